package roles_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/internal/roles"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
	"jetreduce/web"
)

// served is a coordinator with a page.
type served struct {
	url  string
	bus  *bus.Bus
	stop func()
}

// serve starts a coordinator and its page.
func serve(ctx context.Context, t *testing.T, b *bus.Bus, name string, said *record) *served {
	t.Helper()
	page, signs := &roles.Page{}, &roles.Signs{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := roles.Coordinator{Bus: b, Name: name, Log: slog.New(said), Signs: signs, Reign: page.Reign(nil)}
	server := web.New(web.Config{
		Desk: page, Gauge: page, Steering: page, Standing: page.Standing, Loopback: true, Log: bustest.Quiet(), Every: 50 * time.Millisecond,
	})
	release := page.Use(b, signs)
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan error, 2)
	go func() { over <- c.Run(ctx) }()
	go func() { over <- server.Run(ctx, listener) }()
	return &served{"http://" + listener.Addr().String(), b, func() {
		cancel()
		for range 2 {
			if err := <-over; err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		release()
	}}
}

var pages = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// open asks for a page; whoever calls it closes the body.
func (s *served) open(ctx context.Context, t *testing.T, path string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := pages.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func (s *served) get(ctx context.Context, t *testing.T, path string) (status int, text string) {
	t.Helper()
	answer := s.open(ctx, t, path)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// awaitEvent waits until the events of a page say something.
func (s *served) awaitEvent(ctx context.Context, t *testing.T, path, words string) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answer := s.open(ctx, t, path)
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		if strings.Contains(lines.Text(), words) {
			return
		}
	}
	t.Fatalf("%s never says %q: %v", path, words, lines.Err())
}

func work(ctx context.Context, t *testing.T, b *bus.Bus) (stop func()) {
	t.Helper()
	set, err := programs.NewSet(programs.Builtin()...)
	if err != nil {
		t.Fatal(err)
	}
	w := roles.Worker{Bus: b, Log: bustest.Quiet(), Slots: 2, Memory: 64 << 20, Scratch: t.TempDir(), Programs: set.Find, Host: "here"}
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan error, 1)
	go func() { over <- w.Run(ctx) }()
	return func() {
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	}
}

// A real job on a real bus, seen on the pages of the leader and of a standby; then the bus is gone.
func TestPagesOfLeaderAndStandbyShowARealJob(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	server := bustest.StartBare(t)
	first := server.Bus()
	if err := first.SetUp(ctx, bus.SetUp{Classes: roles.Classes(), Results: true}); err != nil {
		t.Fatal(err)
	}
	said := newRecord()
	leader := serve(ctx, t, first, "leader", said)
	defer leader.stop()
	said.await(ctx, t, "decides")
	quiet := newRecord()
	conn := server.Conn()
	second, err := bus.New(conn, "")
	if err != nil {
		t.Fatal(err)
	}
	standby := serve(ctx, t, second, "standby", quiet)
	defer standby.stop()
	quiet.await(ctx, t, "stands by")
	defer work(ctx, t, server.Bus())()
	runJob(ctx, t, first)
	for _, s := range []*served{leader, standby} {
		s.awaitEvent(ctx, t, "/events", `id=\"job-seen\"`)
		s.awaitEvent(ctx, t, "/jobs/seen/events", "s-done")
		s.awaitEvent(ctx, t, "/workers/events", "here")
		checkJob(ctx, t, s)
	}
	checkMetrics(ctx, t, leader, standby)
	conn.Close()
	checkAway(ctx, t, standby)
}

func runJob(ctx context.Context, t *testing.T, b *bus.Bus) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in.txt")
	if err := os.WriteFile(path, []byte(strings.Repeat("to be or not\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	job := mapreduce.Job{ID: "seen", Program: "wordcount", Inputs: []string{"file://" + path}, SplitSize: 400, Reduces: 2}
	if _, _, err := b.Desk().Submit(ctx, job); err != nil {
		t.Fatal(err)
	}
}

func checkJob(ctx context.Context, t *testing.T, s *served) {
	t.Helper()
	status, text := s.get(ctx, t, "/api/jobs/seen")
	var timeline mapreduce.Timeline
	if err := json.Unmarshal([]byte(text), &timeline); err != nil || status != 200 || timeline.Job.State != mapreduce.Done ||
		timeline.Job.Rows != 4 {
		t.Errorf("status %d, %v: %s", status, err, text)
	}
	if status, text := s.get(ctx, t, "/jobs/seen"); status != 200 || !strings.Contains(text, "jetreduce output seen") ||
		!strings.Contains(text, "<svg class=\"lane\"") {
		t.Errorf("status %d: %s", status, text)
	}
	if status, _ := s.get(ctx, t, "/jobs/nobody"); status != 404 {
		t.Errorf("a job that there is not: status %d", status)
	}
}

func checkMetrics(ctx context.Context, t *testing.T, leader, standby *served) {
	t.Helper()
	_, of := leader.get(ctx, t, "/metrics")
	for _, want := range []string{"jetreduce_leader 1", `jetreduce_jobs{state="done"} 1`,
		`jetreduce_attempts_total{outcome="committed",phase="reduce"} 2`, "jetreduce_workers 1"} {
		if !strings.Contains(of, want) {
			t.Errorf("the leader's metrics lack %s", want)
		}
	}
	if _, of := standby.get(ctx, t, "/metrics"); !strings.Contains(of, "jetreduce_leader 0") || strings.Contains(of, "jetreduce_jobs") ||
		!strings.Contains(of, "jetreduce_epoch") {
		t.Errorf("the standby's metrics: %s", of)
	}
	for s, want := range map[*served]string{leader: "leads", standby: "follows"} {
		if status, text := s.get(ctx, t, "/readyz"); status != 200 || !strings.Contains(text, want) {
			t.Errorf("status %d: %s, want %s", status, text, want)
		}
	}
}

// checkAway looks at a page whose bus is gone: it says so, at once.
func checkAway(ctx context.Context, t *testing.T, s *served) {
	t.Helper()
	for path, want := range map[string]string{"/?before=seen": "the bus is away", "/readyz": "not connected",
		"/jobs/seen": "the bus is away"} {
		if status, text := s.get(ctx, t, path); status != 503 || !strings.Contains(text, want) {
			t.Errorf("%s: status %d: %s", path, status, text)
		}
	}
	if status, text := s.get(ctx, t, "/metrics"); status != 200 || !strings.Contains(text, "jetreduce_bus_connected 0") {
		t.Errorf("metrics: status %d: %s", status, text)
	}
	if status, _ := s.get(ctx, t, "/healthz"); status != 200 {
		t.Errorf("healthz: status %d", status)
	}
}
