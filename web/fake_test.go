package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"jetreduce/mapreduce"
)

// began is when things begin in tests.
var began = time.Date(2026, 3, 2, 10, 24, 5, 0, time.UTC)

// fakeDesk answers what it was told to, and counts how often it is asked.
type fakeDesk struct {
	mu       sync.Mutex
	list     mapreduce.JobList
	members  []mapreduce.Member
	timeline mapreduce.Timeline
	vitals   mapreduce.Vitals
	err      error
	asked    map[string]int
	steered  []string
}

func (d *fakeDesk) note(what string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.asked == nil {
		d.asked = map[string]int{}
	}
	d.asked[what]++
	return d.err
}

// change changes what it answers.
func (d *fakeDesk) change(how func(d *fakeDesk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	how(d)
}

// mapped has the first job have done so many maps. Lists that were given away stay as they are.
func (d *fakeDesk) mapped(n int) {
	d.list.Jobs = slices.Clone(d.list.Jobs)
	d.list.Jobs[0].Maps.Done = n
}

func (d *fakeDesk) times(what string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked[what]
}

func answer[T any](d *fakeDesk, what string, from *T) (T, error) {
	err := d.note(what)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		var none T
		return none, err
	}
	return *from, nil
}

func (d *fakeDesk) List(_ context.Context, before mapreduce.JobID) (mapreduce.JobList, error) {
	return answer(d, "list "+string(before), &d.list)
}

func (d *fakeDesk) Workers(context.Context) ([]mapreduce.Member, error) {
	return answer(d, "workers", &d.members)
}

func (d *fakeDesk) Timeline(_ context.Context, job mapreduce.JobID) (mapreduce.Timeline, error) {
	t, err := answer(d, "timeline", &d.timeline)
	if err == nil && t.Job.ID != job {
		err = fmt.Errorf("%w %q", mapreduce.ErrUnknownJob, job)
	}
	return t, err
}

func (d *fakeDesk) Vitals(context.Context) (mapreduce.Vitals, error) {
	return answer(d, "vitals", &d.vitals)
}

func (d *fakeDesk) steer(act string, job mapreduce.JobID) (*mapreduce.Status, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.steered = append(d.steered, act+" "+string(job))
	if d.err != nil {
		return nil, d.err
	}
	return &mapreduce.Status{ID: job, State: mapreduce.Cancelled}, nil
}

func (d *fakeDesk) Cancel(_ context.Context, job mapreduce.JobID) (*mapreduce.Status, error) {
	return d.steer("cancel", job)
}

func (d *fakeDesk) Retry(_ context.Context, job mapreduce.JobID) (*mapreduce.Status, error) {
	return d.steer("retry", job)
}

func (d *fakeDesk) Remove(_ context.Context, job mapreduce.JobID) (*mapreduce.Status, error) {
	return d.steer("remove", job)
}

const secret = "0123456789abcdef0123456789abcdef"

// newTestServer serves what a desk answers, an hour after began, by a process that leads.
func newTestServer(d *fakeDesk, change func(c *Config)) *Server {
	c := Config{
		Desk: d, Gauge: d, Steering: d, Version: "v1.2.3", Every: time.Second,
		Standing: func() Standing { return Standing{Connected: true, Leads: true, Takeovers: 1} },
		Now:      func() time.Time { return began.Add(time.Hour) },
	}
	if change != nil {
		change(&c)
	}
	return New(c)
}

// get asks a server for something.
func get(t testing.TB, s *Server, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	return do(t, s, httptest.NewRequest(http.MethodGet, path, nil), header...)
}

// post sends a form, as a browser does from our own page.
func post(t testing.TB, s *Server, path, form string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(t, s, r, header...)
}

func do(t testing.TB, s *Server, r *http.Request, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func newRequest(method, path string) *http.Request { return httptest.NewRequest(method, path, nil) }

// contextAtOnce is a context for those who do not wait.
func contextAtOnce() (context.Context, context.CancelFunc) {
	return context.WithCancel(context.Background())
}
