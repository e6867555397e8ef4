package cli

import (
	"fmt"
	"io"

	"jetreduce/client"
	"jetreduce/mapreduce"
)

// view is what a user sees of a job on a server: a bar on a terminal, and in words what keeps the job from going on.
type view struct {
	words io.Writer
	bar   *bar
	seen  bool // a leader knows the job
}

func newView(words io.Writer, noProgress bool) *view {
	return &view{words: words, bar: newBar(words, noProgress)}
}

// View is what the client calls.
func (v *view) View() client.View {
	return client.View{
		Seen: func(status mapreduce.Status) {
			v.seen = true
			v.bar.show(status)
		},
		Trouble: func(reason string) { fmt.Fprintf(v.words, "jetreduce: waiting: %s\n", reason) },
	}
}

func (v *view) close() { v.bar.close() }
