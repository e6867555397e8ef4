package original

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"jetreduce/mapreduce/output"
	"jetreduce/mapreduce/programs"
)

// Worker is an original worker.
type Worker struct {
	ID   string
	Addr string // of the coordinator, host:port

	Retry time.Duration // after a connection broke, and between connects; 0: 1 s
	Tries int           // failed connects in a row after which it gives up; 0: 10

	// Lie, if there is one, has its way with each reply, before it is sent: what it returns is sent instead, and if it does not stay
	// it hangs up.
	Lie func(task string, reply []byte) (said []byte, stays bool)
	// Heard, if there is one, is told each task before it is done.
	Heard func(task string)
	// Broke, if there is one, is told why a connection broke.
	Broke func(cause error)
}

// ErrNobody is that nobody listens, often enough.
var ErrNobody = errors.New("nobody listens")

// Run works until ctx ends, nobody listens any more, or a message kills it (ErrDecode).
func (w Worker) Run(ctx context.Context) error {
	order, err := output.ParseOrder("original")
	if err != nil {
		return err
	}
	for failed := 0; failed < cmp.Or(w.Tries, 10); {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", w.Addr)
		if err == nil {
			failed = 0
			err = w.serve(ctx, conn, collator{order, map[string]string{}})
			if w.Broke != nil {
				w.Broke(err)
			}
		} else {
			failed++
		}
		if errors.Is(err, ErrDecode) {
			return err
		}
		select {
		case <-time.After(cmp.Or(w.Retry, time.Second)):
		case <-ctx.Done():
			return nil
		}
	}
	return ErrNobody
}

func (w Worker) serve(ctx context.Context, conn net.Conn, order collator) error {
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := send(conn, "task", "register", "id", w.ID); err != nil {
		return err
	}
	for {
		m, err := receive(conn)
		if err != nil {
			return err
		}
		if w.Heard != nil {
			w.Heard(m.Task)
		}
		reply, err := answer(m, order)
		if err != nil {
			return err
		}
		stays := true
		if w.Lie != nil && reply != nil {
			reply, stays = w.Lie(m.Task, reply)
		}
		if _, err := conn.Write(reply); err != nil || !stays {
			return err
		}
	}
}

// answer is the reply to a request, or nil.
func answer(m message, order collator) ([]byte, error) {
	switch m.Task {
	case "map_request":
		return frame("task", "map_reply", "value", mapped(string(m.Blob), order)), nil
	case "reduce_request":
		var two []Histogram
		if err := m.value(&two); err != nil {
			return nil, err
		}
		if len(two) != 2 {
			return nil, fmt.Errorf("%d histograms", len(two))
		}
		return frame("task", "reduce_reply", "value", reduced(two[0], two[1], order)), nil
	case "reg_backup":
		return nil, nil
	}
	return nil, fmt.Errorf("unknown task %q", m.Task)
}

// mapped has a pair for each time that a word is met.
func mapped(blob string, order collator) Histogram {
	var words programs.Words
	words.Reset([]byte(blob))
	found := Histogram{}
	for word := words.Next(); word != nil; word = words.Next() {
		found = append(found, Count{string(word), 1})
	}
	order.sort(found)
	return found
}
