package simulation

import (
	"fmt"
	"io"
	"time"
)

// trace keeps the last lines of a run. They are put into words only when somebody reads them: a run without a violation
// is never read.
type trace struct {
	out  io.Writer
	ring [tailLength]line
	next int
}

const tailLength = 40

type line struct {
	at     time.Duration
	format string
	args   []any
}

func (l line) String() string {
	return fmt.Sprintf("%9.3f  ", l.at.Seconds()) + fmt.Sprintf(l.format, l.args...)
}

func (t *trace) add(at time.Duration, format string, args []any) {
	l := line{at, format, args}
	if t.out != nil {
		fmt.Fprintln(t.out, l) //nolint:errcheck // whoever reads the trace sees that it ends
	}
	t.ring[t.next%tailLength] = l
	t.next++
}

// tail is the last lines, oldest first.
func (t *trace) tail() []string {
	var lines []string
	for i := max(0, t.next-tailLength); i < t.next; i++ {
		lines = append(lines, t.ring[i%tailLength].String())
	}
	return lines
}
