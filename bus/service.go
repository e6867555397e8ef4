package bus

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"jetreduce/mapreduce"
)

// A leader is a NATS service: `nats service info jetreduce` says what can be asked for, `nats service stats jetreduce` how often it was,
// how often in vain, and how long the answers took.
//
//	request ─▶ endpoint ── event ─▶ the leader decides, and does what is asked for
//	                │ waits            │
//	                └◀── settled ◀─────┴─ Answer ─▶ whoever asked
//
// An endpoint waits until its request has been answered, so that its times are those that people wait. What comes meanwhile waits in the
// connection: of each kind there is one request in the leader's way, however many are sent.
//
// No endpoint is in a queue group: a leader that is deposed and does not know it is one, too, and would swallow requests.
const (
	serviceName    = "jetreduce"
	serviceVersion = "1.0.0" // of the requests: their names and their JSON
)

// requestKind is a kind of request.
type requestKind struct {
	want  mapreduce.Want
	takes string // what its body is
	does  string
	id    bool // the body is the id of a job, or of an upload
}

// requestKinds are all that can be asked for.
func requestKinds() []requestKind {
	const job = "the id of a job"
	return []requestKind{
		{submitRequest, "a job, as JSON", "take up a job, and answer where it stands", false},
		{execRequest, "a job, as JSON", "the same, from those who may submit commands", false},
		{mapreduce.WantStatus, job, "where a job stands", true},
		{mapreduce.WantList, "nothing, or the id of a job", "the jobs, the latest first: all, or those before that one", false},
		{mapreduce.WantWorkers, "nothing", "the workers, and what they run", false},
		{mapreduce.WantCancel, job, "end a job without a result", true},
		{mapreduce.WantRetry, job, "run a job that failed or was cancelled again", true},
		{mapreduce.WantRemove, job, "remove a job that has ended, and its result on the bus", true},
		{mapreduce.WantQuarantine, job, "the records that a job has left out", true},
		{mapreduce.WantTimeline, job, "how the tasks of a job go or went", true},
		{mapreduce.WantVitals, "nothing", "how the whole system is", false},
		{mapreduce.WantUpload, "a name, or nothing", "a place for input that the bus is to carry", false},
		{mapreduce.WantDiscard, "the id of an upload", "drop an upload that no job names", true},
	}
}

// Named says which process the feed is of, for whoever looks at the service of its leader.
func (f *Feed) Named(process string) *Feed {
	f.process = process
	return f
}

// requests hands in what is asked of the leader.
func (f *Feed) requests() error {
	service, err := micro.AddService(f.bus.nc, micro.Config{
		Name: serviceName, Version: serviceVersion, Description: "MapReduce: the coordinator that leads", QueueGroupDisabled: true,
		Metadata: map[string]string{"prefix": f.bus.names.prefix, "epoch": fmt.Sprint(f.epoch), "process": f.process},
	})
	if err != nil {
		return fmt.Errorf("listen for requests: %w", err)
	}
	for _, kind := range requestKinds() {
		err := service.AddEndpoint(string(kind.want), f.serve(kind), micro.WithEndpointSubject(f.bus.names.api(string(kind.want))),
			micro.WithEndpointMetadata(map[string]string{"takes": kind.takes, "does": kind.does}))
		if err != nil {
			return fmt.Errorf("listen for requests of %s: %w", kind.want, err)
		}
	}
	others, err := f.bus.nc.Subscribe(f.bus.names.api(">"), f.unknown)
	if err != nil {
		return fmt.Errorf("listen for requests: %w", err)
	}
	<-f.ctx.Done()
	_, _ = others.Unsubscribe(), service.Stop() // a closed connection has none
	return nil
}

// serve hands in requests of one kind.
func (f *Feed) serve(kind requestKind) micro.HandlerFunc {
	return func(r micro.Request) {
		body := bytes.TrimSpace(r.Data())
		switch {
		case r.Reply() != "" && !answerable(r.Reply()):
			f.log.Warn("a request is dropped: it is to be answered elsewhere than at an inbox", "request", r.Subject(), "reply", r.Reply())
		case kind.id && len(body) == 0:
			newErrorAnswer(codeWrong, fmt.Sprintf("say which: send %s, as `nats req %s ID` does", kind.takes, r.Subject())).send(r)
		case kind.want == submitRequest:
			f.ask(r, submitted(r.Data(), 0, r.Reply()))
		case kind.want == execRequest:
			job := submitted(r.Data(), 0, r.Reply())
			job.Exec = true
			f.ask(r, job)
		default:
			f.ask(r, mapreduce.Asked{Want: kind.want, Job: mapreduce.JobID(body), Reply: r.Reply()})
		}
	}
}

// ask hands in a request, and waits until it has been answered.
func (f *Feed) ask(r micro.Request, event mapreduce.Event) {
	settled := f.bus.open.add(r.Reply())
	f.emit(event)
	if settled == nil {
		return
	}
	late := time.NewTimer(requestWait)
	defer late.Stop()
	select {
	case refusal := <-settled:
		refusal.send(r)
		return
	case <-f.ctx.Done():
	case <-late.C: // the others are not to wait for it; it is answered all the same
	}
	f.bus.open.drop(r.Reply())
	select {
	case refusal := <-settled: // just before that
		refusal.send(r)
	default:
	}
}

// unknown answers requests of which there are none.
func (f *Feed) unknown(msg *nats.Msg) {
	want := strings.TrimPrefix(msg.Subject, f.bus.names.api(""))
	kinds := requestKinds()
	if !answerable(msg.Reply) || slices.ContainsFunc(kinds, func(k requestKind) bool { return string(k.want) == want }) {
		return
	}
	var names []string
	for _, kind := range kinds {
		names = append(names, string(kind.want))
	}
	reason := fmt.Sprintf("there is no request %q: ask %s with one of %s; ids stand in the body", mapreduce.Abridge(want, 64),
		f.bus.names.api("REQUEST"), strings.Join(names, " "))
	if err := f.bus.nc.PublishMsg(newErrorAnswer(codeWrong, reason).message(msg.Reply)); err != nil {
		f.log.Warn("nobody was told", "cause", err)
	}
}
