package web

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"jetreduce/mapreduce"
)

func TestMetricsAreNamedAsPrometheusWants(t *testing.T) {
	t.Parallel()
	s := newTestServer(scene(began), nil)
	problems, err := testutil.GatherAndLint(s.registry())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// ours are the names of our own metrics in a scrape.
func ours(t *testing.T, s *Server) (names []string, text string) {
	t.Helper()
	w := get(t, s, "/metrics")
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	found := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^# TYPE (jetreduce_\w+)`).FindAllStringSubmatch(w.Body.String(), -1) {
		found[match[1]] = true
	}
	return slices.Sorted(maps.Keys(found)), w.Body.String()
}

func TestLeaderSaysAllOfTheJobsAndAStandbyNothing(t *testing.T) {
	t.Parallel()
	_, text := ours(t, newTestServer(scene(began), nil))
	for _, want := range []string{
		`jetreduce_tasks{phase="map",state="queued"} 112`, `jetreduce_attempts_total{outcome="failed",phase="map"} 19`,
		`jetreduce_queue_waiting{class="exec",pool="gpu"} 4`, `jetreduce_queue_oldest_seconds{class="exec",pool="gpu"} 210`,
		`jetreduce_bytes_total{kind="shuffled"} 9.61e+10`, `jetreduce_jobs{state="planning"} 0`, `jetreduce_jobs{state="done"} 341`,
		`jetreduce_leader 1`, `jetreduce_epoch 1207`, `jetreduce_takeovers_total 1`, `jetreduce_workers 6`,
		`jetreduce_slots_busy{class="builtin-1"} 10`,
		`jetreduce_lost_workers_total 2`, `jetreduce_build_info{goversion="go`, "go_goroutines ", "process_open_fds ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the leader does not say %s", want)
		}
	}
	standby := newTestServer(scene(began), func(c *Config) {
		c.Standing = func() Standing { return Standing{Connected: true, Follows: true} }
	})
	names, text := ours(t, standby)
	want := []string{
		"jetreduce_build_info", "jetreduce_bus_connected", "jetreduce_epoch", "jetreduce_leader", "jetreduce_page_viewers",
		"jetreduce_page_viewers_dropped_total", "jetreduce_takeovers_total",
	}
	if !slices.Equal(names, want) || !strings.Contains(text, "jetreduce_leader 0") {
		t.Errorf("a standby says %v", names)
	}
}

// stuckGauge never answers by itself.
type stuckGauge struct{}

func (stuckGauge) Vitals(ctx context.Context) (mapreduce.Vitals, error) {
	<-ctx.Done()
	return mapreduce.Vitals{}, ctx.Err()
}

func TestScrapeWithTheBusAwaySaysWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := func(connected bool) func(c *Config) {
			return func(c *Config) {
				c.Gauge, c.Standing = stuckGauge{}, func() Standing { return Standing{Connected: connected, Leads: true} }
			}
		}
		for connected, wait := range map[bool]time.Duration{false: 0, true: scrapeWait} {
			begin := time.Now()
			names, text := ours(t, newTestServer(&fakeDesk{err: errors.New("away")}, stuck(connected)))
			if took := time.Since(begin); took != wait || slices.Contains(names, "jetreduce_jobs") || !strings.Contains(text, "jetreduce_leader 1") {
				t.Errorf("connected %v: %v after %s", connected, names, took)
			}
		}
	})
}

// The document of the page lists each metric, and none that there is not.
func TestDocumentListsTheMetrics(t *testing.T) {
	t.Parallel()
	names, _ := ours(t, newTestServer(scene(began), nil))
	text, err := os.ReadFile("../docs/page.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, match := range regexp.MustCompile("(?m)^\\| `(jetreduce_\\w+)").FindAllStringSubmatch(string(text), -1) {
		listed[match[1]] = true
	}
	if got := slices.Sorted(maps.Keys(listed)); !slices.Equal(got, names) {
		t.Errorf("listed: %v\nthere are: %v", got, names)
	}
}

// An alert is about those who wait, whatever their names and however many there are besides.
func TestQueuesThatWaitLongestAreNotLeftOut(t *testing.T) {
	t.Parallel()
	d := scene(began)
	d.vitals.Queues = nil
	for i := range mostQueues + 20 {
		pool := mapreduce.Pool(fmt.Sprintf("p%03d", i))
		d.vitals.Queues = append(d.vitals.Queues, mapreduce.QueueVitals{Pool: pool, Class: "io", Waiting: i, Oldest: time.Duration(i) * time.Minute})
	}
	s := newTestServer(d, nil)
	_, text := ours(t, s)
	page := get(t, s, "/workers").Body.String()
	for want, in := range map[string]string{
		`jetreduce_queue_waiting{class="io",pool="p119"} 119`: text, "jetreduce_queues_hidden 20": text, ">p119<": page, "20 more, whose": page,
	} {
		if !strings.Contains(in, want) {
			t.Errorf("nobody says %s", want)
		}
	}
	if strings.Contains(text, `"p000"`) || strings.Contains(page, ">p000<") {
		t.Error("one that does not wait is shown instead")
	}
}

// Jobs that nobody works on queue nothing: who looks at queues alone would not see them.
func TestPageSaysWhichJobsWaitForWorkers(t *testing.T) {
	t.Parallel()
	page := get(t, newTestServer(scene(began), nil), "/workers").Body.String()
	for _, want := range []string{">lab<", ">own-5<", "Jobs that wait for a worker"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page says nothing of %s", want)
		}
	}
}

// They are bounded as queues are.
func TestJobsThatWaitForWorkersLongestAreNotLeftOut(t *testing.T) {
	t.Parallel()
	d := scene(began)
	d.vitals.Vacant = nil
	for i := range mostQueues + 20 {
		pool := mapreduce.Pool(fmt.Sprintf("p%03d", i))
		waiting := mapreduce.VacancyVitals{Pool: pool, Class: "io", Jobs: i, Oldest: time.Duration(i) * time.Minute}
		d.vitals.Vacant = append(d.vitals.Vacant, waiting)
	}
	s := newTestServer(d, nil)
	_, text := ours(t, s)
	page := get(t, s, "/workers").Body.String()
	for want, in := range map[string]string{
		`jetreduce_jobs_waiting{class="io",pool="p119"} 119`: text, "jetreduce_jobs_waiting_hidden 20": text, ">p119<": page,
		"20 more, whose jobs": page, `jetreduce_jobs_waiting_oldest_seconds{class="io",pool="p119"} 7140`: text,
	} {
		if !strings.Contains(in, want) {
			t.Errorf("nobody says %s", want)
		}
	}
	if strings.Contains(text, `"p000"`) || strings.Contains(page, ">p000<") {
		t.Error("one that waits for less is shown instead")
	}
}
