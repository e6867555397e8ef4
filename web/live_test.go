package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"jetreduce/mapreduce"
)

// watcher is a viewer in a test: what it has been sent.
type watcher struct {
	mu   sync.Mutex
	sent []message
	over chan error
	stop context.CancelFunc
}

func (w *watcher) send(m message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.id != "" {
		w.sent = append(w.sent, m)
	}
	return nil
}

func (w *watcher) messages() []message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent
}

// watch watches the list of jobs; a send of nil takes everything.
func watch(s *Server, at look, send func(message) error) *watcher {
	w := &watcher{over: make(chan error, 1)}
	if send == nil {
		send = w.send
	}
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	go func() { w.over <- s.live.watch(ctx, &subject{at: at, view: s.jobsFrame}, "", send) }()
	return w
}

func (w *watcher) end(t *testing.T) {
	t.Helper()
	w.stop()
	if err := <-w.over; err != nil {
		t.Error(err)
	}
}

// pass lets so much of the test's own time pass, and waits until all that was due then has been done.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestHundredViewersAreOneQuestionASecondAndNobodyIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := scene(time.Now())
		s := newTestServer(d, nil)
		var all []*watcher
		for range 100 {
			all = append(all, watch(s, look{path: "/"}, nil))
		}
		pass(10*time.Second - time.Millisecond)
		if n := d.times("list "); n != 10 {
			t.Errorf("asked %d times in ten seconds", n)
		}
		for _, w := range all {
			if n := len(w.messages()); n != 1 { // nothing has changed since the first
				t.Fatalf("%d messages", n)
			}
			w.end(t)
		}
		asked := d.times("list ")
		pass(time.Minute)
		if n := d.times("list "); n != asked || len(s.live.subjects) != 0 {
			t.Errorf("asked %d times when nobody looked; %d subjects", n-asked, len(s.live.subjects))
		}
	})
}

func TestOnlyTheRowThatChangedIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := scene(began)
		s := newTestServer(d, nil)
		w := watch(s, look{path: "/"}, nil)
		defer w.end(t)
		synctest.Wait()
		d.change(func(d *fakeDesk) { d.mapped(119) })
		pass(time.Second)
		sent := w.messages()
		var changed []change
		if len(sent) != 2 || json.Unmarshal(sent[1].data, &changed) != nil || len(changed) != 1 || changed[0][0] != "job-clicks-by-country" ||
			!strings.Contains(changed[0][1], "119/120") {
			t.Errorf("%d messages; the last: %s", len(sent), sent[len(sent)-1].data)
		}
	})
}

func TestTroubleIsToldAndGoesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := scene(began)
		d.err = mapreduce.ErrNoLeader
		s := newTestServer(d, nil)
		w := watch(s, look{path: "/"}, nil)
		defer w.end(t)
		synctest.Wait()
		d.change(func(d *fakeDesk) { d.err = nil })
		pass(time.Second)
		sent := w.messages()
		if len(sent) != 2 || !strings.Contains(string(sent[0].data), "no coordinator leads") ||
			strings.Contains(string(sent[1].data), "no coordinator") ||
			!strings.Contains(string(sent[1].data), "clicks-by-country") {
			t.Errorf("%d messages: %.300s", len(sent), sent)
		}
	})
}

func TestSlowViewerIsLetGoAndHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := scene(began)
		s := newTestServer(d, nil)
		held := make(chan struct{})
		slow := watch(s, look{path: "/"}, func(m message) error {
			if m.id != "" {
				<-held
			}
			return nil
		})
		quick := watch(s, look{path: "/"}, nil)
		pass(500 * time.Millisecond) // between two looks
		for i := range 20 {
			d.change(func(d *fakeDesk) { d.vitals.Workers = i })
			pass(time.Second)
		}
		synctest.Wait()
		if n := len(quick.messages()); n < 20 {
			t.Errorf("the quick one has %d messages", n)
		}
		if _, dropped := s.live.counts(); dropped != 1 {
			t.Errorf("%d were let go", dropped)
			slow.stop()
		}
		close(held)
		if err := <-slow.over; err != nil {
			t.Error(err)
		}
		quick.end(t)
		if viewers, _ := s.live.counts(); viewers != 0 {
			t.Errorf("%d viewers are left", viewers)
		}
	})
}

func TestViewersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer(scene(began), func(c *Config) { c.Viewers = 2 })
		a, b := watch(s, look{path: "/"}, nil), watch(s, look{path: "/", state: "done"}, nil)
		synctest.Wait()
		if c := watch(s, look{path: "/"}, nil); !errors.Is(<-c.over, errFull) {
			t.Error("a third one watches")
		}
		a.end(t)
		c := watch(s, look{path: "/"}, nil)
		synctest.Wait()
		c.end(t)
		b.end(t)
	})
}

func TestViewerThatComesAgainIsNotToldWhatItHasSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer(scene(began), nil)
		first := watch(s, look{path: "/"}, nil)
		synctest.Wait()
		seen := first.messages()[0].id
		first.end(t)
		again := &watcher{over: make(chan error, 1)}
		ctx, stop := context.WithCancel(context.Background())
		again.stop = stop
		go func() {
			again.over <- s.live.watch(ctx, &subject{at: look{path: "/"}, view: s.jobsFrame}, seen, again.send)
		}()
		pass(3 * time.Second)
		if n := len(again.messages()); n != 0 {
			t.Errorf("%d messages", n)
		}
		again.end(t)
	})
}

// Over a real connection: the stream's form, and that it ends with the server.
func TestStreamEndsWithTheServer(t *testing.T) {
	t.Parallel()
	s := newTestServer(scene(began), nil)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	over := make(chan error, 1)
	go func() { over <- s.Run(ctx, listener) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	answer, err := client.Get("http://" + listener.Addr().String() + "/jobs/clicks-by-country/events")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "data: ") {
	}
	var parts []change
	if err := json.Unmarshal([]byte(strings.TrimPrefix(lines.Text(), "data: ")), &parts); err != nil || len(parts) != 9 ||
		answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%d parts: %v; %v", len(parts), err, answer.Header)
	}
	stop()
	for lines.Scan() {
	}
	if err := lines.Err(); err != nil {
		t.Errorf("the stream was cut: %v", err)
	}
	if err := <-over; err != nil {
		t.Error(err)
	}
}

// patientDesk answers about a single job only when the asker has given up.
type patientDesk struct{ *fakeDesk }

func (patientDesk) Timeline(ctx context.Context, _ mapreduce.JobID) (mapreduce.Timeline, error) {
	<-ctx.Done()
	return mapreduce.Timeline{}, ctx.Err()
}

// Whoever asks for many single jobs takes the answers about the whole from nobody.
func TestManyQuestionsAboutJobsHoldUpNoneAboutTheWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := scene(began)
		s := newTestServer(d, func(c *Config) { c.Desk = patientDesk{d} })
		for range 3 * maxAsks {
			go get(t, s, "/api/jobs/clicks-by-country")
		}
		synctest.Wait()
		at := time.Now()
		for _, path := range []string{"/", "/metrics", "/api/workers"} {
			if w := get(t, s, path); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "too many") {
				t.Errorf("%s: %d %.300s", path, w.Code, w.Body)
			}
		}
		if waited := time.Since(at); waited != 0 {
			t.Errorf("they waited for %s", waited)
		}
		pass(askWait + time.Second)
	})
}
