package permissiontest_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
)

// A server publishes its answer at whatever subject the request names, and does not ask whether who has asked may publish there:
//
//	ask something that is permitted ──▶ the answer, whose text one has left there before ──▶ a subject that is not permitted

// evil is the text of the answers: it is taken for a job, for a consumer, and for a record.
var evil = must(json.Marshal(map[string]any{
	"stream_name": "ORDERS", "config": map[string]any{"name": "theirs", "ack_policy": "none"},
	"id": "evil", "uid": "evil", "program": "exec", "args": []string{"id"}, "inputs": []string{"stream://ORDERS"},
}))

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}

// request is something that a role may ask for.
type request struct {
	subject, body string
	header        nats.Header
}

// asked is what each role asks for. The answer to the first is the text, that to the second is empty.
func asked() map[string][]request {
	history := "$JS.API.DIRECT.GET.JETREDUCE_HISTORY.jetreduce.history."
	look := []request{{subject: history + "none"}, {subject: "$JS.API.INFO"}, {subject: "jetreduce.api.status", body: "j"}}
	refused := nats.Header{jetstream.ExpectedLastSeqHeader: {"99"}}
	return map[string][]request{
		"observer": append([]request{{subject: history + "evil"}}, look...),
		"client":   append([]request{{subject: "$JS.API.DIRECT.GET.JETREDUCE_INPUT_x.jetreduce.input.x.0.0"}}, look...),
		"worker": {
			{subject: "$JS.API.DIRECT.GET.OBJ_jetreduce-out", body: `{"last_by_subj":"$O.jetreduce-out.C.evil.x"}`},
			{subject: "$JS.API.DIRECT.GET.ORDERS", body: `{"seq":99}`},
			{subject: "$JS.API.STREAM.MSG.GET.OBJ_jetreduce-out", body: `{"seq":1}`},
			{subject: "$JS.API.CONSUMER.INFO.JETREDUCE_TASKS.default-io"},
			{subject: "$JS.API.CONSUMER.MSG.NEXT.JETREDUCE_TASKS.default-io", body: `{"batch":1,"no_wait":true}`},
			{subject: "$KV.jetreduce-commits.evil.end", header: refused}},
	}
}

// leave brings the text there as the role does, or as the admin where the role cannot.
func leave(ctx context.Context, t *testing.T, js jetstream.JetStream, nc *nats.Conn, user string) {
	t.Helper()
	subject := map[string]string{"client": "jetreduce.input.x.0.0", "worker": "$O.jetreduce-out.C.evil.x"}[user]
	var err error
	if subject == "" {
		_, err = js.Publish(ctx, "jetreduce.history.evil", evil)
	} else {
		_, err = nc.RequestWithContext(ctx, subject, evil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// targets is where an answer does harm, by who may not publish there.
func targets() map[string][]string {
	everybody := []string{"$JS.API.STREAM.PURGE.ORDERS", "$JS.API.STREAM.DELETE.ORDERS", "$JS.API.CONSUMER.CREATE.ORDERS",
		"$JS.API.CONSUMER.CREATE.ORDERS.theirs", "$JS.API.STREAM.CREATE.ORDERS", "$JS.API.STREAM.UPDATE.ORDERS", "orders.new",
		"jetreduce.jobs.exec", "jetreduce.api.exec", "$KV.jetreduce-state.epoch", "$KV.jetreduce-state.job.evil",
		"jetreduce.tasks.default.io", "jetreduce.events.j.state", "jetreduce.roll", "jetreduce.over", "jetreduce.history.other"}
	results := []string{"$O.jetreduce-out.M.bmFtZQ==", "$KV.jetreduce-commits.zz.end", "$KV.jetreduce-commits.zz.map.0.1"}
	jobs := []string{"jetreduce.jobs", "jetreduce.api.cancel", "jetreduce.input.x.0.1"}
	return map[string][]string{
		"observer": slices.Concat(everybody, results, jobs), "client": slices.Concat(everybody, results),
		"worker": slices.Concat(everybody, jobs),
	}
}

// answered asks for something, and waits until the answer has come where it was wished to go, for who listens there.
func answered(ctx context.Context, t *testing.T, asks, listens *nats.Conn, r request, target string) *nats.Msg {
	t.Helper()
	sub, err := listens.SubscribeSync(target)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := listens.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := asks.PublishMsg(&nats.Msg{Subject: r.subject, Reply: target, Data: []byte(r.body), Header: r.header}); err != nil {
		t.Fatal(err)
	}
	msg, err := sub.NextMsgWithContext(ctx)
	if err != nil {
		t.Fatalf("%s, to be answered at %s: %v", r.subject, target, err)
	}
	return msg
}

// attackers have taken over a role's account each, and have left a text.
func (s *scene) attackers(ctx context.Context) map[string]*nats.Conn {
	s.t.Helper()
	all := map[string]*nats.Conn{}
	for user := range asked() {
		all[user] = s.as(bare(user))
		leave(ctx, s.t, s.js, all[user], user)
	}
	return all
}

// In an account of its own, the answer comes to that account, whatever it asks for and wherever it wishes it to go.
func TestAnswersGoToTheAccountThatHasAsked(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	s := newScene(ctx, t, apart())
	attackers := s.attackers(ctx)
	before, heard := s.standing(ctx), s.overhear()
	tried := 0
	for user, nc := range attackers {
		for _, r := range asked()[user] {
			for _, target := range targets()[user] {
				answered(ctx, t, nc, nc, r, target)
				tried++
			}
		}
	}
	t.Logf("%d answers", tried)
	if diff := cmp.Diff(before, s.standing(ctx)); diff != "" {
		t.Errorf("the bus has changed:\n%s", diff)
	}
	for subject := range heard() {
		if slices.Contains(targets()["observer"], subject) {
			t.Errorf("in the account of jetreduce, %s was heard", subject)
		}
	}
}

// A limit of the server, and why a role that is not trusted needs an account of its own. Should a newer server not answer, then
// docs/security.md says too little of what permissions within one account keep out.
func TestServerAnswersWhereverItIsAskedToWithinOneAccount(t *testing.T) {
	t.Parallel()
	for user, requests := range asked() {
		t.Run(user, func(t *testing.T) {
			t.Parallel()
			ctx := deadline(t)
			s := newScene(ctx, t, together())
			nc := s.as(user)
			leave(ctx, t, s.js, nc, user)
			for _, r := range requests {
				answered(ctx, t, nc, s.admin, r, "orders.new")
			}
			s.writes(ctx, nc, user, requests[0])
			s.empties(ctx, nc, requests[1])
		})
	}
}

// writes has the server say what a user has left, wherever that user may not publish.
func (s *scene) writes(ctx context.Context, nc *nats.Conn, user string, r request) {
	s.t.Helper()
	for _, target := range targets()[user] {
		if violates(s.t, nc, target) == nil {
			s.t.Errorf("the %s may publish on %s anyway", user, target)
		}
		if msg := answered(ctx, s.t, nc, s.admin, r, target); string(msg.Data) != string(evil) {
			s.t.Errorf("at %s the %s had the server say %q, want %q", target, user, msg.Data, evil)
		}
	}
	for _, stream := range []string{"JETREDUCE_JOBS", "KV_jetreduce-state", "JETREDUCE_TASKS"} {
		if s.standing(ctx)[stream].State.Msgs == 0 {
			s.t.Errorf("the %s has had nothing written to %s", user, stream)
		}
	}
}

// empties has the server ask itself to purge and to delete a stream.
func (s *scene) empties(ctx context.Context, nc *nats.Conn, nothing request) {
	s.t.Helper()
	answered(ctx, s.t, nc, s.admin, nothing, "$JS.API.STREAM.PURGE.ORDERS")
	s.until(ctx, "ORDERS is purged", func(orders *jetstream.StreamInfo) bool { return orders != nil && orders.State.Msgs == 0 })
	answered(ctx, s.t, nc, s.admin, nothing, "$JS.API.STREAM.DELETE.ORDERS")
	s.until(ctx, "ORDERS is deleted", func(orders *jetstream.StreamInfo) bool { return orders == nil })
}

// Imports leave a reply subject as it is that acknowledges a delivery. A server refuses it of whoever asks.
func TestAnswersAcknowledgeNothing(t *testing.T) {
	t.Parallel()
	s := newStageOf(t, apart())
	for user, requests := range asked() {
		nc := s.as(bare(user))
		if err := nc.PublishRequest(requests[1].subject, "$JS.ACK.JETREDUCE_TASKS.default-io.1.1.1.1.0", nil); err != nil {
			t.Fatal(err)
		}
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
		if err := nc.LastError(); !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("%s: got %v, want %v", user, err, nats.ErrPermissionViolation)
		}
	}
}

// Another limit of the server, and why an account of a worker's own is not given --input.
func TestConsumerDeliversWhereverItSays(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	s := newScene(ctx, t, together())
	s.stores(ctx)
	nc := s.as("worker")
	deliver := `{"stream_name":"PULLED","config":{"name":"c","ack_policy":"none","deliver_subject":"jetreduce.jobs.exec"}}`
	r := request{subject: "$JS.API.CONSUMER.CREATE.PULLED.c", body: deliver}
	sub, err := s.admin.SubscribeSync("jetreduce.jobs.exec")
	if err == nil {
		err = s.admin.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nc.RequestWithContext(ctx, r.subject, []byte(r.body)); err != nil {
		t.Fatal(err)
	}
	if msg, err := sub.NextMsgWithContext(ctx); err != nil || string(msg.Data) != "a b a\n" {
		t.Errorf("got %v, %v, want what stands in the stream", msg, err)
	}
	if _, err := bus.ImportsOf(users()["worker"]); err == nil {
		t.Error("an account of a worker's own may import that")
	}
}

// A limit, too: an answer that comes to an account goes on to what that account imports, whoever of its users has asked for it.
func TestAccountIsAsWideAsItsImports(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	s := &stage{t: t}
	s.server = s.serve(written(t, `listen: 127.0.0.1:-1
accounts {
  A { users: [ { user: admin, password: admin } ], exports: [ { service: ask }, { service: forbidden } ] }
  B { users: [ { user: narrow, password: narrow, permissions: { publish: ask } } ]
    imports: [ { service: { account: A, subject: ask } }, { service: { account: A, subject: forbidden } } ] }
}
`))
	owner := s.as(admin)
	if _, err := owner.Subscribe("ask", func(msg *nats.Msg) { _ = msg.Respond(evil) }); err != nil {
		t.Fatal(err)
	}
	nc := s.as("narrow")
	if violates(t, nc, "forbidden") == nil {
		t.Error("it may publish there anyway")
	}
	answered(ctx, t, nc, owner, request{subject: "ask"}, "forbidden")
}
