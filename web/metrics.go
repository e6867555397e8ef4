package web

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"jetreduce/mapreduce"
)

// metrics answers scrapes. What cannot be known right now is left out; the rest is answered.
func (s *Server) metrics() http.Handler {
	return promhttp.HandlerFor(s.registry(), promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4})
}

// registry is our own: what other packages register globally is no business of ours.
func (s *Server) registry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "jetreduce_build_info", Help: "Always 1; labels say what runs.",
		ConstLabels: prometheus.Labels{"version": label(s.config.Version), "goversion": runtime.Version()},
	})
	build.Set(1)
	registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), build, collector{s},
	)
	return registry
}

// scrapeWait is how long a scrape waits for the leader.
const scrapeWait = time.Second

// collector makes metrics of what is known at the time of a scrape.
type collector struct{ s *Server }

// Describe says nothing: which metrics there are depends on who leads.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect says what this process knows of itself; of the jobs only while it leads: a standby would say all a second time.
func (c collector) Collect(out chan<- prometheus.Metric) {
	m := sample{out}
	standing := c.s.config.Standing()
	m.gauge("jetreduce_bus_connected", "Whether this process is connected to the bus.", truth(standing.Connected))
	m.gauge("jetreduce_leader", "Whether this process leads.", truth(standing.Leads))
	m.counter("jetreduce_takeovers_total", "How often this process has begun to lead.", float64(standing.Takeovers))
	viewers, dropped := c.s.live.counts()
	m.gauge("jetreduce_page_viewers", "Who watches the live page.", float64(viewers))
	m.counter("jetreduce_page_viewers_dropped_total", "Viewers that were let go, since they were too slow.", float64(dropped))
	if !standing.Connected || c.s.config.Gauge == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeWait)
	defer cancel()
	vitals, err := c.s.asks.Vitals(ctx)
	if err != nil {
		return
	}
	m.gauge("jetreduce_epoch", "The leadership that this process sees.", float64(vitals.Epoch))
	if standing.Leads {
		m.system(vitals)
		m.jobs(vitals)
		m.tasks(vitals)
		m.queues(vitals)
		m.vacancies(vitals)
	}
}

// system is how the whole of it is.
func (m sample) system(v mapreduce.Vitals) {
	if !v.Since.IsZero() {
		m.gauge("jetreduce_leadership_start_time_seconds", "When this leadership began, since 1970.", float64(v.Since.UnixMilli())/1000)
	}
	m.gauge("jetreduce_workers", "Workers that the leader hears.", float64(v.Workers))
	m.counter("jetreduce_lost_workers_total", "Workers that fell silent.", float64(v.Lost))
	const moved = "Bytes of committed attempts: in (read by maps), shuffled (runs, compressed), out."
	m.counter("jetreduce_bytes_total", moved, float64(v.Bytes.In), "kind", "in")
	m.counter("jetreduce_bytes_total", moved, float64(v.Bytes.Shuffled), "kind", "shuffled")
	m.counter("jetreduce_bytes_total", moved, float64(v.Bytes.Out), "kind", "out")
	for class, n := range v.Slots {
		m.gauge("jetreduce_slots", "Slots of all workers, by what they can take.", float64(n), "class", string(class))
		m.gauge("jetreduce_slots_busy", "Slots that run an attempt.", float64(v.Busy[class]), "class", string(class))
	}
}

// jobs is how many there are in each state, those with none too, so that alerts can name them.
func (m sample) jobs(v mapreduce.Vitals) {
	for _, state := range mapreduce.UserStates() {
		m.gauge("jetreduce_jobs", "Jobs that are known, by state.", float64(v.Jobs[state]), "state", string(state))
		if state.Final() {
			m.counter("jetreduce_jobs_ended_total", "Jobs that have ended, by how.", float64(v.Ended[state]), "state", string(state))
		}
	}
}

func (m sample) tasks(v mapreduce.Vitals) {
	const (
		tasks    = "Tasks that stand in the queue and nobody runs (queued), and attempts that run (running)."
		attempts = "Attempts, by what became of them; speculative ones are counted as they begin, and again as they end."
	)
	for _, p := range v.Tasks {
		phase := string(p.Phase)
		m.gauge("jetreduce_tasks", tasks, float64(p.Queued), "phase", phase, "state", "queued")
		m.gauge("jetreduce_tasks", tasks, float64(p.Running), "phase", phase, "state", "running")
		m.counter("jetreduce_attempts_total", attempts, float64(p.Committed), "phase", phase, "outcome", "committed")
		m.counter("jetreduce_attempts_total", attempts, float64(p.Failed), "phase", phase, "outcome", "failed")
		m.counter("jetreduce_attempts_total", attempts, float64(p.Lost), "phase", phase, "outcome", "lost")
		m.counter("jetreduce_attempts_total", attempts, float64(p.Speculative), "phase", phase, "outcome", "speculative")
		m.counter("jetreduce_attempt_seconds_total", "Time that committed attempts took, together.", p.Took.Seconds(), "phase", phase)
		m.counter("jetreduce_tasks_repeated_total", "Tasks that ran again, since their output was lost.", float64(p.Repeated), "phase", phase)
	}
}

func (m sample) queues(v mapreduce.Vitals) {
	shown, hidden := longest(v.Queues, queueWaits)
	for _, q := range shown {
		pool, class := poolName(q.Pool), string(q.Class)
		m.gauge("jetreduce_queue_waiting", "Tasks that nobody runs.", float64(q.Waiting), "pool", pool, "class", class)
		m.gauge("jetreduce_queue_oldest_seconds", "How long the first of them has waited.", q.Oldest.Seconds(), "pool", pool, "class", class)
	}
	m.gauge("jetreduce_queues_hidden", "Queues that the metrics of queues leave out: those whose tasks have waited least.", float64(hidden))
}

func (m sample) vacancies(v mapreduce.Vitals) {
	const (
		jobs   = "Jobs that nobody works on, since no worker of their pool can take tasks of their class."
		oldest = "How long the first of them has waited for a worker."
	)
	shown, hidden := longest(v.Vacant, vacancyWaits)
	for _, q := range shown {
		pool, class := poolName(q.Pool), string(q.Class)
		m.gauge("jetreduce_jobs_waiting", jobs, float64(q.Jobs), "pool", pool, "class", class)
		m.gauge("jetreduce_jobs_waiting_oldest_seconds", oldest, q.Oldest.Seconds(), "pool", pool, "class", class)
	}
	const left = "Pools and classes that the metrics of waiting jobs leave out: those whose jobs have waited least."
	m.gauge("jetreduce_jobs_waiting_hidden", left, float64(hidden))
}
