package bus

import (
	"fmt"
	"strings"

	"jetreduce/mapreduce"
)

// DefaultPrefix is in front of all names on the bus unless another is asked for; another prefix is another jetreduce on
// the same NATS account.
const DefaultPrefix = "jetreduce"

// names are the names on the bus. Streams are in capitals, as is the custom; buckets and subjects are not.
type names struct{ prefix string }

func (n names) stream(what string) string { return strings.ToUpper(n.prefix) + "_" + what }

func (n names) jobs() string        { return n.stream("JOBS") }
func (n names) jobsSubject() string { return n.prefix + ".jobs" }

// execSubject is where jobs come from who may submit commands, where that needs a permission of its own.
func (n names) execSubject() string { return n.prefix + ".jobs.exec" }

func (n names) plans() string         { return n.stream("PLANS") }
func (n names) plansSubjects() string { return n.prefix + ".plans.>" }

// alive is where anybody writes who wants to know whether the bus takes writes. Nobody reads it.
func (n names) alive() string { return n.prefix + ".plans.alive" }

// plan is the subject of one chunk of a plan: it names the attempt, since two attempts may write plans.
func (n names) plan(ref mapreduce.PlanRef) string {
	return fmt.Sprintf("%s.plans.%s.%s.%d", n.prefix, ref.Plan, ref.Attempt, ref.Chunk)
}

// roster is the subject of one chunk of the roster of a phase, which is named by its task 0. All leaders write the same.
func (n names) roster(phase mapreduce.TaskID, chunk int) string {
	return fmt.Sprintf("%s.plans.%s.roster.%d", n.prefix, phase, chunk)
}

func (n names) tasks() string         { return n.stream("TASKS") }
func (n names) tasksSubjects() string { return n.prefix + ".tasks.>" }

func (n names) taskSubject(pool mapreduce.Pool, class mapreduce.Class) string {
	return fmt.Sprintf("%s.tasks.%s.%s", n.prefix, pool, class)
}

// taskConsumer is the consumer of a pool and class. Both may have hyphens, so that other pools than the default one, whose class
// stands behind its first, need another sign between.
func (n names) taskConsumer(pool mapreduce.Pool, class mapreduce.Class) string {
	if pool == mapreduce.DefaultPool {
		return fmt.Sprintf("%s-%s", pool, class)
	}
	return fmt.Sprintf("%s=%s", pool, class)
}

// lineOf is the pool and class whose tasks a consumer of the queue hands out.
func (n names) lineOf(filter string) (pool mapreduce.Pool, class mapreduce.Class, ok bool) {
	rest, ok := strings.CutPrefix(filter, n.prefix+".tasks.")
	p, c, two := strings.Cut(rest, ".")
	return mapreduce.Pool(p), mapreduce.Class(c), ok && two && p != "" && c != ""
}

// lane is the stream of a lane: one for each partition, since one shared stream read through filters is several times
// slower; one for all reduced partitions of a job.
func (n names) lane(l mapreduce.Lane) string {
	if l.Reader == mapreduce.Finish {
		return n.stream(fmt.Sprintf("PARTS_%s_%d", l.UID, l.Generation))
	}
	return n.stream(fmt.Sprintf("RUNS_%s_%d_%d", l.UID, l.Generation, l.Partition))
}

// laneOwner is the submission whose lane a stream is, or "".
func (n names) laneOwner(stream string) mapreduce.UID {
	for _, kind := range []string{"RUNS_", "PARTS_"} {
		if rest, found := strings.CutPrefix(stream, n.stream(kind)); found {
			uid, _, _ := strings.Cut(rest, "_") // uids have no underscore
			return mapreduce.UID(uid)
		}
	}
	return ""
}

func (n names) laneSubject(l mapreduce.Lane) string {
	if l.Reader == mapreduce.Finish {
		return fmt.Sprintf("%s.parts.%s.%d", n.prefix, l.UID, l.Generation)
	}
	return fmt.Sprintf("%s.runs.%s.%d.%d", n.prefix, l.UID, l.Generation, l.Partition)
}

func (n names) state() string   { return n.prefix + "-state" }
func (n names) commits() string { return n.prefix + "-commits" }

// bucket is the stream below a key-value bucket, key the subject of one of its keys.
func bucket(name string) string   { return "KV_" + name }
func key(bucket, k string) string { return "$KV." + bucket + "." + k }

// Keys of the state bucket.
const (
	epochKey   = "epoch"
	leaseKey   = "lease"
	barrierKey = "barrier"
	confirmKey = "confirm"
)

func probeKey(process string) string { return "probe." + process }

// recordKey is the key of a state record: one for each state, for each repair and for each part of the quarantine of a job.
func recordKey(r mapreduce.Record) string {
	switch {
	case r.Repair != nil:
		return fmt.Sprintf("job.%s.repair.%d", r.UID, r.Repair.Generation)
	case r.Quarantine != nil:
		return fmt.Sprintf("job.%s.quarantine.%d", r.UID, r.Quarantine.Part)
	}
	return fmt.Sprintf("job.%s.%s", r.UID, r.State)
}

func failureKey(f mapreduce.Failure) string { return fmt.Sprintf("%s.a.%s", f.Task, f.Attempt) }

func endKey(uid mapreduce.UID) string { return fmt.Sprintf("%s.end", uid) }

func (n names) beats() string { return n.prefix + ".beat.*" }
func (n names) beat(worker mapreduce.WorkerID) string {
	return fmt.Sprintf("%s.beat.%s", n.prefix, worker)
}

// roll is where a new leader asks who is there.
func (n names) roll() string { return n.prefix + ".roll" }

// over is where a leader says that a submission, or a task of it, is over.
func (n names) over() string { return n.prefix + ".over" }

// api is the subject of a kind of request to the leader.
func (n names) api(want string) string { return n.prefix + ".api." + want }

// submitRequest is the kind of request that carries a job; the others are a mapreduce.Want each.
const submitRequest = "submit"

// execRequest is submitRequest of those who may submit commands.
const execRequest = "exec"

func (n names) event(job mapreduce.JobID, what string) string {
	return fmt.Sprintf("%s.events.%s.%s", n.prefix, job, what)
}
