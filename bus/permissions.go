package bus

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"jetreduce/mapreduce"
)

// Role is what a process is to a server that gives its users permissions.
type Role string

// Roles.
const (
	RoleClient      Role = "client"      // submits, steers, uploads, fetches
	RoleWorker      Role = "worker"      // runs tasks
	RoleCoordinator Role = "coordinator" // leads or stands by; it alone makes and removes streams
	RoleObserver    Role = "observer"    // looks
)

// Roles are all there are, the least powerful first.
func Roles() []Role { return []Role{RoleObserver, RoleClient, RoleWorker, RoleCoordinator} }

// PermissionsConfig says whose permissions, and what jobs may need besides.
type PermissionsConfig struct {
	Role   Role
	Prefix string // "": DefaultPrefix
	Inbox  string // what the subjects begin with on which answers come; "": Inbox of prefix and role

	Exec    bool // a client may submit jobs of commands where the coordinator takes them only from those
	Results bool // an observer may fetch results
	TCP     bool // a coordinator serves original workers, whose tasks it then runs itself

	Inputs  []string // stream://STREAM: workers read it through consumers, which is faster. All others they read anyway
	Outputs []string // kv://BUCKET, object://BUCKET, stream://STREAM?subject=SUBJECT: where results go
}

// Permissions are what a user of a NATS server may do. All else is denied.
type Permissions struct {
	Publish   []string
	Subscribe []string
	Responses bool // it may answer whoever asked it
}

// Inbox is the prefix of the inboxes of a role: each has its own, so that none can read what another is answered.
func Inbox(prefix string, role Role) string {
	return "_INBOX_" + cmp.Or(prefix, DefaultPrefix) + "_" + string(role)
}

// PermissionsOf are those of a role.
func PermissionsOf(c PermissionsConfig) (Permissions, error) {
	c.Prefix = cmp.Or(c.Prefix, DefaultPrefix)
	c.Inbox = cmp.Or(c.Inbox, Inbox(c.Prefix, c.Role))
	if err := c.check(); err != nil {
		return Permissions{}, err
	}
	g := grants{c: c, n: names{c.Prefix}}
	if err := g.outlets(); err != nil {
		return Permissions{}, err
	}
	switch c.Role {
	case RoleClient:
		g.client()
	case RoleWorker:
		g.worker()
	case RoleCoordinator:
		g.coordinator()
	case RoleObserver:
		g.observer()
	default:
		return Permissions{}, fmt.Errorf("role %q: use client, worker, coordinator or observer", c.Role)
	}
	g.Subscribe = append(g.Subscribe, c.Inbox+".>")
	return g.Permissions, nil
}

func (c PermissionsConfig) check() error {
	if err := CheckPrefix(c.Prefix); err != nil {
		return err
	}
	if err := CheckInboxPrefix(c.Inbox); err != nil {
		return fmt.Errorf("inbox prefix: %w", err)
	}
	for _, input := range c.Inputs {
		u, err := parseStreamURL(input)
		if err != nil || strings.ContainsAny(u.stream, `*>"'`) {
			return fmt.Errorf("input %q: use stream://STREAM; objects and pages need no permission", input)
		}
	}
	return nil
}

// grants collects what a role may.
type grants struct {
	Permissions
	c PermissionsConfig
	n names

	objects []string // buckets that results go to as objects
	tables  []string // subjects on which rows are published
}

func (g *grants) publish(subjects ...string)   { g.Publish = append(g.Publish, subjects...) }
func (g *grants) subscribe(subjects ...string) { g.Subscribe = append(g.Subscribe, subjects...) }

func (g *grants) api(requests ...string) {
	for _, request := range requests {
		g.publish("$JS.API." + request)
	}
}

func (g *grants) ask(wants ...mapreduce.Want) {
	for _, want := range wants {
		g.publish(g.n.api(string(want)))
	}
}

// outlets reads where results go.
func (g *grants) outlets() error {
	g.objects = []string{g.n.results()}
	for _, output := range g.c.Outputs {
		if err := g.outlet(output); err != nil {
			return err
		}
	}
	return nil
}

// outlet reads where one of them goes.
func (g *grants) outlet(output string) error {
	if strings.ContainsAny(output, `*>"' `) {
		return fmt.Errorf("output %q: name one, without wildcards", output)
	}
	if bucket, is := strings.CutPrefix(output, "object://"); is {
		bucket, _, _ = strings.Cut(bucket, "/")
		if bucket == "" || strings.Contains(bucket, ".") {
			return fmt.Errorf("output %q: use object://BUCKET", output)
		}
		g.objects = append(g.objects, bucket)
		return nil
	}
	switch d, err := (&Tables{&Bus{names: g.n}}).destination(mapreduce.Target{To: output}); {
	case err != nil:
		return err
	case d.bucket != "":
		g.tables = append(g.tables, key(d.bucket, ">"))
	case d.shape() == "":
		return fmt.Errorf("output %s: say on which subjects rows are published: %s?subject=SUBJECT, {key} where the row's key stands in it",
			output, output)
	case strings.HasPrefix(d.shape(), "$") || overlap(g.n.prefix+".>", d.shape()):
		return fmt.Errorf("output %s: results are not published on subjects of NATS or of jetreduce itself", output)
	default:
		g.tables = append(g.tables, d.shape())
	}
	return nil
}

// fetch lets read results.
func (g *grants) fetch() {
	for _, bucket := range g.objects {
		g.api("STREAM.MSG.GET."+objectStream(bucket), "DIRECT.GET."+objectStream(bucket))
	}
}

// observer may ask how things are.
func (g *grants) observer() {
	g.api("INFO")
	for _, stream := range g.n.ours() {
		g.api("STREAM.INFO." + stream)
	}
	g.look()
	if g.c.Results {
		for _, bucket := range g.objects {
			g.api("STREAM.INFO." + objectStream(bucket))
		}
		g.fetch()
	}
}

func (g *grants) look() {
	g.ask(mapreduce.WantStatus, mapreduce.WantList, mapreduce.WantWorkers, mapreduce.WantQuarantine, mapreduce.WantTimeline,
		mapreduce.WantVitals)
	g.api("DIRECT.GET." + g.n.historyGet(g.n.historySubject()))
	g.subscribe(g.n.event("*", "*"))
}

// client may submit and steer jobs, bring their inputs and fetch their results.
func (g *grants) client() {
	g.api("INFO", "STREAM.INFO.*") // the name of an upload's stream is not known before
	g.look()
	g.ask(submitRequest, mapreduce.WantCancel, mapreduce.WantRetry, mapreduce.WantRemove, mapreduce.WantUpload, mapreduce.WantDiscard)
	g.publish(g.n.jobsSubject(), g.n.inputOf(), g.n.alive())
	g.api("DIRECT.GET.*." + g.n.inputOf()) // to go on with an upload
	if g.c.Exec {
		g.publish(g.n.api(execRequest), g.n.execSubject())
	}
	g.fetch()
}

// worker may pull tasks, read what they name, and leave what they make. It makes, changes and removes no stream and no consumer.
func (g *grants) worker() {
	g.api("INFO", "STREAM.INFO.*", "STREAM.MSG.GET.*", "DIRECT.GET.>") // the account is the boundary of what may be read
	g.api("CONSUMER.INFO."+g.n.tasks()+".*", "CONSUMER.MSG.NEXT."+g.n.tasks()+".*")
	g.publish("$JS.ACK."+g.n.tasks()+".>", g.n.beat("*"), g.n.alive())
	g.subscribe(g.n.roll(), g.n.over())
	g.health("worker")
	g.commit()
	g.publish(g.n.prefix+".plans.*.plan.*.*.*.*", g.n.prefix+".runs.*.*.*", g.n.prefix+".parts.*.*")
	for _, bucket := range g.objects {
		g.publish(objectChunks(bucket, "*.*"), objectMetas(bucket)+"*")
	}
	g.publish(g.tables...)
	for _, input := range g.c.Inputs {
		if u, err := parseStreamURL(input); err == nil { // it was checked
			g.api("CONSUMER.CREATE."+u.stream+".*", "CONSUMER.MSG.NEXT."+u.stream+".*")
		}
	}
}

// inputOf is the subjects of all uploads.
func (n names) inputOf() string { return n.prefix + ".input.*.*.*" }

// commit lets create records of the commits bucket, by the shapes of their keys: `uid.phase.n.generation`, what failed below that, and
// `uid.end`.
func (g *grants) commit() {
	for _, phase := range []mapreduce.Phase{mapreduce.Plan, mapreduce.Map, mapreduce.Reduce, mapreduce.Finish} {
		g.publish(key(g.n.commits(), fmt.Sprintf("*.%s.*.*", phase)))
	}
	g.publish(key(g.n.commits(), "*.*.*.*.a.*"), key(g.n.commits(), "*.end"))
}

// health lets a daemon answer for itself, and be asked by whoever looks after it with its own login.
func (g *grants) health(kind string) {
	g.publish(g.n.prefix + ".health." + kind + ".*")
	g.subscribe(g.n.prefix + ".health." + kind + ".*")
	g.Responses = true
}

// coordinator may make and remove streams and consumers, and record.
func (g *grants) coordinator() {
	g.api("INFO", "STREAM.NAMES", "STREAM.LIST", "STREAM.INFO.*", "STREAM.CREATE.*", "STREAM.UPDATE.*", "STREAM.DELETE.*", "STREAM.PURGE.*",
		"STREAM.MSG.GET.*", "DIRECT.GET.>", "STREAM.MSG.DELETE."+g.n.jobs(), "STREAM.MSG.DELETE."+g.n.tasks())
	for _, stream := range []string{g.n.jobs(), bucket(g.n.state()), bucket(g.n.commits())} { // it follows them
		g.api("CONSUMER.CREATE."+stream+".*", "CONSUMER.MSG.NEXT."+stream+".*")
	}
	tasks := g.n.tasks()
	g.api("CONSUMER.CREATE."+tasks+".*."+g.n.taskSubject("*", "*"), "CONSUMER.LIST."+tasks,
		"CONSUMER.INFO."+tasks+".*", "CONSUMER.DELETE."+tasks+".*")
	g.publish(key(g.n.state(), ">"), key(g.n.commits(), ">"), g.n.taskSubject("*", "*"), g.n.plansSubjects(), g.n.historySubject(),
		"$JS.ACK."+tasks+".>", g.n.event("*", "*"), g.n.roll(), g.n.over())
	for _, bucket := range g.objects { // names that lead to results
		g.publish(objectMetas(bucket) + "*")
	}
	g.subscribe(g.n.beats(), g.n.api(">"), "$SRV.*", "$SRV.*."+serviceName, "$SRV.*."+serviceName+".*")
	g.health("coordinator")
	// It decides all jobs, so that its page may ask for what it may do: a doctor looks as the coordinator's user, too.
	g.ask(mapreduce.WantList, mapreduce.WantWorkers, mapreduce.WantTimeline, mapreduce.WantVitals,
		mapreduce.WantCancel, mapreduce.WantRetry, mapreduce.WantRemove)
	if g.c.TCP {
		g.worker()
		g.Publish, g.Subscribe = distinct(g.Publish), distinct(g.Subscribe)
	}
}

// distinct leaves out what another one covers.
func distinct(subjects []string) (kept []string) {
	slices.Sort(subjects)
	subjects = slices.Compact(subjects)
	for _, subject := range subjects {
		if !slices.ContainsFunc(subjects, func(other string) bool { return other != subject && covers(other, subject) }) {
			kept = append(kept, subject)
		}
	}
	return kept
}
