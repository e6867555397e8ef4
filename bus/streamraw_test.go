package bus_test

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// rawOrders are messages on subjects that are not UTF-8, and become one where they are made JSON.
func rawOrders(t *testing.T, config jetstream.StreamConfig) *history {
	t.Helper()
	h := ordersOf(t, config)
	for _, subject := range []string{"orders.\xff", "orders.\xfe", "orders.eu"} {
		h.publish(&nats.Msg{Subject: subject, Data: []byte(subject)})
	}
	return h
}

func TestSubjectsThatAreNotUTF8AreToldApartOrRefused(t *testing.T) {
	t.Parallel()
	for name, config := range streamKinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, all := rawOrders(t, config), "orders.\xff\norders.\xfe\norders.eu\n"
			h.mustGive("", all)
			h.mustGive("?since_seq=3&as=subject", "orders.eu\n")
			if config.AllowDirect || config.Retention == jetstream.LimitsPolicy {
				h.mustGive("?as=subject", all)
				return
			}
			for _, as := range []string{"subject", "json"} {
				_, err := read(h.ctx, h.inputs.Open, h.list("?since_seq=2&as=" + as)[0])
				mustSay(t, err, "the subject of message 2 is not UTF-8", "nats stream edit ORDERS --allow-direct", "without as="+as)
				if !mapreduce.IsPermanent(err) {
					t.Errorf("%v is not permanent", err)
				}
			}
			allowed := h.stream.CachedInfo().Config
			allowed.AllowDirect = true
			if _, err := h.js.UpdateStream(h.ctx, allowed); err != nil {
				t.Fatal(err)
			}
			h.mustGive("?as=subject", all)
		})
	}
}

// In the list of a stream's subjects these have one name together: it never has as many names as there are subjects.
func TestFiltersOnAStreamWhoseSubjectsAreNotUTF8(t *testing.T) {
	t.Parallel()
	h := rawOrders(t, jetstream.StreamConfig{})
	h.mustGive("?subject=orders.eu", "orders.eu\n")
	h.mustGive("?subject=orders.*", "orders.\xff\norders.\xfe\norders.eu\n")
	h.delete(2)
	h.mustGive("?subject=orders.*", "orders.\xff\norders.eu\n")
	h.mustGive("?subject=orders.eu&subject=orders.\uFFFD", "orders.eu\n")
}

// A server lists so many subjects at a time, and who asks has to go on behind them.
func TestListOfSubjectsIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	const about = `{"config":{"name":"S"},"created":"2026-01-01T00:00:00Z","limit":2,"total":3,"state":{"num_subjects":3,"subjects":`
	for name, c := range map[string]struct {
		pages []string
		want  int
	}{
		"two pages":           {[]string{about + `{"a":1,"b":1}}}`, about + `{"c":1}}}`}, 3},
		"a page of old names": {[]string{about + `{"a":1,"b":1}}}`, about + `{"b":1}}}`}, 2},
		"an empty page":       {[]string{about + `{"a":1,"b":1}}}`, about + `null}}`}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := scripted(t, script{"$JS.API.STREAM.INFO.S": c.pages}).SubjectsOf(deadline(t), "S")
			if err != nil || len(found) != c.want {
				t.Errorf("%v, %v; want %d names", found, err, c.want)
			}
		})
	}
}
