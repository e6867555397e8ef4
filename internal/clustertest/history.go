package clustertest

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// History is what several processes asked of the system, and what they were answered, in one order of calls and returns. It
// is safe for concurrent use.
type History struct {
	mu    sync.Mutex
	clock int64
	ops   []*porcupine.Operation
}

// Unanswered is the return of an operation that had no answer: it may take effect at any time after its call, or never.
const Unanswered = math.MaxInt64

// Call notes that a process asks for something, and returns how to note the answer. What is never answered stays open.
func (h *History) Call(process int, input any) (answered func(output any)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock++
	op := &porcupine.Operation{ClientId: process, Input: input, Call: h.clock, Return: Unanswered}
	h.ops = append(h.ops, op)
	return func(output any) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.clock++
		op.Output, op.Return = output, h.clock
	}
}

// Operations is the history so far.
func (h *History) Operations() []porcupine.Operation {
	h.mu.Lock()
	defer h.mu.Unlock()
	var ops []porcupine.Operation
	for _, op := range h.ops {
		ops = append(ops, *op)
	}
	return ops
}

// checkLimit is how long a check may take. A history of a few seconds takes milliseconds, unless it is illegal.
const checkLimit = 20 * time.Second

// Judge reports whether some order of the operations that agrees with their times is one that the model allows.
func Judge(model porcupine.Model, ops []porcupine.Operation) porcupine.CheckResult {
	for _, most := range []int{0, 1, 2, 4, 8} {
		rest := fewer(ops, most)
		if len(rest) == len(ops) {
			break
		}
		if porcupine.CheckOperationsTimeout(model, bounded(rest), checkLimit/10) == porcupine.Ok {
			return porcupine.Ok
		}
	}
	return porcupine.CheckOperationsTimeout(model, bounded(ops), checkLimit)
}

// fewer leaves out operations without an answer: they may never take effect, so that the whole is allowed when the rest is,
// and each doubles what is to be tried. Of those that ask for the same it keeps some of the first, which leave all freedom that
// later ones do. Inputs must be comparable.
func fewer(ops []porcupine.Operation, most int) (rest []porcupine.Operation) {
	kept := map[any]int{}
	for _, op := range ops {
		if op.Return == Unanswered {
			if kept[op.Input]++; kept[op.Input] > most {
				continue
			}
		}
		rest = append(rest, op)
	}
	return rest
}

// Check fails a test whose history the model does not allow, and leaves a picture of it behind that outlives the test.
func Check(t testing.TB, model porcupine.Model, ops []porcupine.Operation) {
	t.Helper()
	result := Judge(model, ops)
	if result == porcupine.Ok {
		return
	}
	ops = bounded(ops)
	_, info := porcupine.CheckOperationsVerbose(model, ops, checkLimit/10) // as far as the picture shows
	dir, err := os.MkdirTemp("", "jetreduce-history-")
	if err != nil {
		t.Fatal(err)
	}
	picture := filepath.Join(dir, "history.html")
	if err := porcupine.VisualizePath(model, info, picture); err != nil {
		t.Error(err)
	}
	t.Errorf("the history of %d operations is %s: look at %s", len(ops), result, picture)
}

// bounded lets what was never answered return after all else, where a picture still has a place for it.
func bounded(ops []porcupine.Operation) []porcupine.Operation {
	ops = slices.Clone(ops)
	var last int64
	for _, op := range ops {
		last = max(last, op.Call)
		if op.Return != Unanswered {
			last = max(last, op.Return)
		}
	}
	for i := range ops {
		if ops[i].Return == Unanswered {
			ops[i].Return = last + 1
		}
	}
	return ops
}
