package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"jetreduce/mapreduce"
)

// pagesOf are all that show what others say.
func pagesOf(job mapreduce.JobID) []string {
	return []string{"/", "/?state=active", "/?before=x", "/jobs/" + string(job), "/workers"}
}

// hostile is a desk all of whose words are an attack.
func hostile(words string) *fakeDesk {
	d := scene(began)
	for i := range d.list.Jobs {
		j := &d.list.Jobs[i]
		j.Program, j.Error, j.Waiting, j.Phase, j.State = words, words, words, mapreduce.Phase(words), mapreduce.State(words)
	}
	d.list.Jobs[1].ID = mapreduce.JobID(words)
	for i := range d.members {
		m := &d.members[i]
		m.Worker, m.Host, m.Pool, m.Slots = mapreduce.WorkerID(words), words, mapreduce.Pool(words),
			map[mapreduce.Class]int{mapreduce.Class(words): 2}
		m.Running = []mapreduce.Running{{Task: mapreduce.TaskID{UID: mapreduce.UID(words), Phase: mapreduce.Phase(words)}, Status: words}}
	}
	d.vitals.Leader = words
	d.vitals.Queues = []mapreduce.QueueVitals{{Pool: mapreduce.Pool(words), Class: mapreduce.Class(words), Waiting: 1}}
	d.vitals.Slots = map[mapreduce.Class]int{mapreduce.Class(words): 1}
	d.vitals.Tasks[0].Phase = mapreduce.Phase(words)
	hostileTimeline(&d.timeline, words)
	return d
}

func hostileTimeline(t *mapreduce.Timeline, words string) {
	j := &t.Job
	j.Error, j.Program, j.Waiting, j.UID, j.Output.To, j.Pool = words, words, words, mapreduce.UID(words), "file:///"+words,
		mapreduce.Pool(words)
	j.Counters = mapreduce.Counters{words: 1, "group," + words: 2}
	for i := range t.Attempts {
		a := &t.Attempts[i]
		a.Reason, a.Outcome, a.Task.Phase, a.Attempt.Worker = words, mapreduce.Outcome(words), mapreduce.Phase(words), mapreduce.WorkerID(words)
		a.Straggler = true
	}
	for i := range t.Workers {
		t.Workers[i].Worker, t.Workers[i].Host = mapreduce.WorkerID(words), words
	}
	t.Phases[0].Phase, t.Phases[1].Slowest.Attempt.Worker = mapreduce.Phase(words), mapreduce.WorkerID(words)
}

func TestHostileWordsAreShownAsText(t *testing.T) {
	t.Parallel()
	for name, words := range map[string]string{
		"script": `<script>alert(1)</script>`, "attribute": `" onmouseover="alert(1)" x="`, "quote": `'><img src=x onerror=alert(1)>`,
		"controls": "a\x00b\x1b[31mc\u202edef\u0085", "not UTF-8": "\xff\xfe<bdo>\xc3", "template": `{{.}}</table></svg></pre>`,
		"huge": strings.Repeat("<i>long ", 100_000), "rows": string(rowsHere),
	} {
		s := newTestServer(hostile(words), nil)
		for _, path := range pagesOf("clicks-by-country") {
			w := get(t, s, path)
			text := w.Body.String()
			if w.Code != http.StatusOK || !utf8.ValidString(text) || len(text) > 4<<20 || strings.Contains(text, "cannot be shown") {
				t.Errorf("%s of %s: status %d, %d bytes", path, name, w.Code, len(text))
			}
			for _, raw := range []string{"<script>a", `" onmouseover="`, "<img", "<bdo>", "<i>", "{{.}}</table>", "\u202e"} {
				if strings.Contains(text, raw) {
					t.Errorf("%s of %s has %q", path, name, raw)
				}
			}
			if i := strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }); i >= 0 {
				t.Errorf("%s of %s has a control character: %q", path, name, text[max(0, i-40):i+10])
			}
		}
		if w := get(t, s, "/metrics"); w.Code != http.StatusOK || !utf8.ValidString(w.Body.String()) || w.Body.Len() > 1<<20 {
			t.Errorf("metrics of %s: status %d, %d bytes", name, w.Code, w.Body.Len())
		}
	}
}

func TestEachAnswerForbidsWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	s := newTestServer(scene(began), nil)
	for _, path := range append(pagesOf("clicks-by-country"), "/login", "/nowhere", "/jobs/nobody", "/api/jobs", "/metrics", "/healthz",
		"/static/page.js") {
		h := get(t, s, path).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Error("the policy allows what stands in a page")
	}
}

// A page asks for nothing from elsewhere, and has neither script nor style in it: the policy would forbid both.
func TestPagesStandAlone(t *testing.T) {
	t.Parallel()
	s := newTestServer(scene(began), func(c *Config) { c.Token = secret })
	for _, path := range append(pagesOf("clicks-by-country"), "/login") {
		text := get(t, s, path, "Authorization", "Bearer "+secret).Body.String()
		for _, never := range []string{"http://", "https://", " style=", "<style", " onclick", "javascript:"} {
			if strings.Contains(text, never) {
				t.Errorf("%s has %q", path, never)
			}
		}
		for _, always := range []string{`<html lang="en">`, `name="viewport"`, "<h1>"} {
			if !strings.Contains(text, always) {
				t.Errorf("%s lacks %q", path, always)
			}
		}
		if tables := strings.Count(text, "<table"); tables != strings.Count(text, "<caption>") {
			t.Errorf("%s has %d tables, and not as many captions", path, tables)
		}
	}
}

func TestPageSaysWhenNobodyAnswersAndStaysLive(t *testing.T) {
	t.Parallel()
	d := &fakeDesk{err: mapreduce.ErrNoLeader}
	s := newTestServer(d, nil)
	for _, path := range pagesOf("some-job") {
		w := get(t, s, path)
		text := w.Body.String()
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(text, "no coordinator leads: start one") ||
			!strings.Contains(text, "data-live=") {
			t.Errorf("%s: status %d: %s", path, w.Code, text)
		}
		if w := get(t, s, path, "Accept", "application/json"); w.Code != http.StatusServiceUnavailable || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s as JSON: status %d: %s", path, w.Code, w.Body)
		}
	}
}

func TestWhatThereIsNotIsNotFound(t *testing.T) {
	t.Parallel()
	s := newTestServer(scene(began), nil)
	for path, want := range map[string]int{
		"/jobs/nobody": 404, "/jobs/not%20an%20id": 404, "/jobs/..%2f..": 404, "/?state=odd": 404, "/?before=%3Cb%3E": 404,
		"/api/jobs/nobody": 404,
		"/nowhere":         404, "/static/none": 404, "/static/..%2fpage.go": 400, "/events?state=odd": 404,
	} {
		if w := get(t, s, path); w.Code != want {
			t.Errorf("%s: status %d, want %d", path, w.Code, want)
		}
	}
	if w := do(t, s, newRequest(http.MethodDelete, "/jobs/x")); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: status %d", w.Code)
	}
}

// A list that begins at a job that there is not is not there, for whoever looks and for programs alike.
func TestListBeforeAnUnknownJobIsNotFound(t *testing.T) {
	t.Parallel()
	d := scene(began)
	d.err = fmt.Errorf("%w %q", mapreduce.ErrUnknownJob, "bogus")
	s := newTestServer(d, nil)
	for _, accept := range []string{"text/html", "application/json"} {
		w := get(t, s, "/?before=bogus", "Accept", accept)
		if text := w.Body.String(); w.Code != http.StatusNotFound || !strings.Contains(text, "bogus") || strings.Contains(text, "up to date") {
			t.Errorf("%s: status %d, %q", accept, w.Code, text)
		}
	}
}

func TestSameDataIsThereAsJSON(t *testing.T) {
	t.Parallel()
	d := scene(began)
	s := newTestServer(d, nil)
	for path, want := range map[string]any{
		"/api/jobs": d.list, "/api/jobs/clicks-by-country": d.timeline, "/api/workers": d.members, "/api/vitals": d.vitals,
	} {
		text, err := json.Marshal(want)
		if got := strings.TrimSpace(get(t, s, path).Body.String()); err != nil || got != string(text) {
			t.Errorf("%s: %.200s, want %.200s (%v)", path, got, text, err)
		}
	}
	for page, api := range map[string]string{"/": "/api/jobs", "/workers": "/api/workers",
		"/jobs/clicks-by-country": "/api/jobs/clicks-by-country"} {
		if get(t, s, page, "Accept", "application/json").Body.String() != get(t, s, api).Body.String() {
			t.Errorf("%s is not %s", page, api)
		}
	}
	var active mapreduce.JobList
	if err := json.Unmarshal(get(t, s, "/api/jobs?state=active").Body.Bytes(), &active); err != nil || len(active.Jobs) != 3 {
		t.Errorf("%d active jobs: %v", len(active.Jobs), err)
	}
}

func TestListIsCutIntoPagesAndLosesNoJob(t *testing.T) {
	t.Parallel()
	d := &fakeDesk{}
	for i := range 250 {
		state := mapreduce.Done
		if i%50 == 49 {
			state = mapreduce.Failed
		}
		d.list.Jobs = append(d.list.Jobs, mapreduce.Status{ID: mapreduce.JobID(fmt.Sprintf("j%03d", i)), State: state})
	}
	d.list.More = 7
	s := newTestServer(d, nil)
	first := get(t, s, "/").Body.String()
	if strings.Count(first, `<tr id="job-`) != pageJobs || !strings.Contains(first, `href="/?before=j099"`) {
		t.Errorf("first page: %s", first)
	}
	failed := get(t, s, "/?state=failed").Body.String()
	if strings.Count(failed, `<tr id="job-`) != 5 || !strings.Contains(failed, `href="/?before=j249&amp;state=failed"`) {
		t.Errorf("failed ones: %s", failed)
	}
	d.change(func(d *fakeDesk) { d.list.Jobs, d.list.More = d.list.Jobs[:3], 0 })
	if last := get(t, s, "/?before=j246").Body.String(); strings.Contains(last, "Earlier jobs") ||
		!strings.Contains(last, `<a href="/">The latest</a>`) {
		t.Errorf("last page: %s", last)
	}
}

// The page of a job says all that happened in words, for whoever sees no colours or no drawing.
func TestJobPageMarksWhatWentWrongInWords(t *testing.T) {
	t.Parallel()
	text := get(t, newTestServer(scene(began.Add(time.Hour)), nil), "/jobs/clicks-by-country").Body.String()
	for _, want := range []string{
		"✕</span> failed", "?</span> lost", "!</span> committed, straggler", "2</span> committed, speculative", "its worker fell silent",
		"ValueError: time data", "map 30 on wd4k2qx3", "5.0× the median", "too short", "jetreduce quarantine clicks-by-country",
		`aria-label="`, "1 failed", "1 beaten", "2 failed", "1 lost", `<title>map 30, committed straggler, attempt wd4k2qx3-`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q", want)
		}
	}
}

func TestOnlyOurOwnHostMayBeNamedOnTheLoopback(t *testing.T) {
	t.Parallel()
	s := newTestServer(scene(began), func(c *Config) { c.Loopback = true })
	for host, want := range map[string]int{
		"127.0.0.1:8080": 200, "localhost": 200, "LOCALHOST.:1": 200, "[::1]:9": 200, "127.8.1.2": 200, "evil.example": 421,
		"127.0.0.1.evil.example:80": 421,
		"":                          421, "10.0.0.1:80": 421, "[::]": 421, "localhost.evil.example": 421, "::1": 200,
	} {
		if w := get(t, s, "/api/vitals", "Host", host); w.Code != want {
			t.Errorf("host %q: status %d, want %d", host, w.Code, want)
		}
	}
	open := newTestServer(scene(began), nil)
	if w := get(t, open, "/", "Host", "node7.example"); w.Code != http.StatusOK {
		t.Errorf("beyond the loopback: status %d", w.Code)
	}
}

func TestReadyIsWhoLeadsOrFollows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		standing Standing
		status   int
		words    string
	}{
		{Standing{Connected: true, Leads: true}, 200, "leads"},
		{Standing{Connected: true, Follows: true}, 200, "follows"},
		{Standing{Connected: false, Leads: true}, 503, "not connected to the bus"},
		{Standing{Connected: true, Why: "the replica failed"}, 503, "the replica failed"},
		{Standing{Connected: true}, 503, "neither leads nor follows yet"},
	} {
		s := newTestServer(&fakeDesk{err: errors.New("never asked")},
			func(config *Config) { config.Standing = func() Standing { return c.standing } })
		w := get(t, s, "/readyz")
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.words) || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%+v: status %d: %s", c.standing, w.Code, w.Body)
		}
		if w := get(t, s, "/healthz"); w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"status":"lives"}` {
			t.Errorf("healthz: status %d: %s", w.Code, w.Body)
		}
	}
}

func TestJobMayBeCalledEvents(t *testing.T) {
	t.Parallel()
	d := scene(began)
	d.timeline.Job.ID = "events"
	page := get(t, newTestServer(d, func(c *Config) { c.Token = secret }), "/jobs/events").Body.String()
	for _, want := range []string{`"/jobs/events/events"`, `/login?to=%2fjobs%2fevents"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not lead to %s", want)
		}
	}
}
