package web

import (
	"github.com/prometheus/client_golang/prometheus"
)

// sample is where the metrics of one scrape go.
type sample struct{ out chan<- prometheus.Metric }

// gauge says how much there is. Labels come in pairs, name and value.
func (m sample) gauge(name, help string, value float64, labels ...string) {
	m.out <- newMetric(prometheus.GaugeValue, prometheus.Opts{Name: name, Help: help}, value, labels)
}

// counter says how much there has been. Labels come in pairs, name and value.
func (m sample) counter(name, help string, value float64, labels ...string) {
	m.out <- newMetric(prometheus.CounterValue, prometheus.Opts{Name: name, Help: help}, value, labels)
}

func newMetric(kind prometheus.ValueType, opts prometheus.Opts, value float64, labels []string) prometheus.Metric {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, label(labels[i+1]))
	}
	desc := prometheus.NewDesc(opts.Name, opts.Help, names, nil)
	metric, err := prometheus.NewConstMetric(desc, kind, value, values...)
	if err != nil {
		return prometheus.NewInvalidMetric(desc, err)
	}
	return metric
}

// label is what others say as the value of a label: short, and valid.
func label(words string) string { return line(words, mostName) }

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
