package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cost runs jobs on two workers, and writes what coordinator and bus took of the processors meanwhile, and while there was no
// job: one of about c.Work whose maps keep what they find, which shows what state, heartbeats and commits cost, and a shorter one
// whose runs are carried, too. What it costs the workers to take part is not to be told apart from their work.
func cost(ctx context.Context, dir string, c RecoveryConfig) error {
	b, err := newIdle(dir)
	if err != nil {
		return err
	}
	defer b.close()
	if _, err := b.await(ctx, works, time.Time{}); err != nil {
		return err
	}
	idle, err := b.during(func() error {
		pause(ctx, idleTime)
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c.Out, "no job: coordinator and bus take %.2f %% of a core\n", percent(idle[coordinator]+idle[busServer], idleTime)); err != nil {
		return err
	}
	if err := b.charge(ctx, c, mutePrefix+"wordcount", c.Work); err != nil {
		return err
	}
	return b.charge(ctx, c, "wordcount", c.Work/4)
}

// charge runs a program for about so long, and writes what that cost.
func (b *bench) charge(ctx context.Context, c RecoveryConfig, program string, long time.Duration) error {
	const trial = 8
	took, _, err := b.work(ctx, "trial-"+program, program, trial)
	if err != nil {
		return err
	}
	times := max(trial, int(long*trial/took))
	took, used, err := b.work(ctx, "long-"+program, program, times)
	if err != nil {
		return err
	}
	return reportCost(c.Out, fmt.Sprintf("%s, %d maps", program, times), took, used)
}

// newIdle starts a system that has nothing to do.
func newIdle(dir string) (b *bench, err error) {
	b = &bench{}
	if err = os.Mkdir(filepath.Join(dir, "logs"), 0o700); err != nil {
		return nil, err
	}
	if b.journal, err = newJournal(dir); err != nil {
		return nil, err
	}
	if b.cluster, err = newCluster(dir, Plan{Topology: Bus}, shape{1, 2}, "", b.journal); err == nil {
		err = b.cluster.start()
	}
	if err != nil {
		b.close()
	}
	return b, err
}

func reportCost(out io.Writer, what string, took time.Duration, used map[role]time.Duration) error {
	state := used[coordinator] + used[busServer]
	_, err := fmt.Fprintf(out, "%s, nothing killed: %.1f s; processor time: workers %.1f s, coordinator %.2f s, bus %.2f s: "+
		"coordinator and bus take %.2f %%\n", what, took.Seconds(), used[worker].Seconds(), used[coordinator].Seconds(),
		used[busServer].Seconds(), percent(state, state+used[worker]))
	return err
}

// idleTime is how long nothing is done.
const idleTime = 10 * time.Second

func percent(part, whole time.Duration) float64 { return 100 * part.Seconds() / whole.Seconds() }

// costBytes is how long the text is that a job reads many times.
const costBytes = 64_000_000

// costSplit is what would be chosen for so much input.
const costSplit = 64 << 20

// work counts the words of a text so many times over, and returns how long that took, and what it took of the processors.
func (b *bench) work(ctx context.Context, id, program string, times int) (time.Duration, map[role]time.Duration, error) {
	j, err := newJob(JobPlan{ID: id, Program: program, Files: 1, Bytes: costBytes, Split: costSplit, Reduces: 2}, 1, b.cluster)
	if err != nil {
		return 0, nil, err
	}
	defer j.log.Close()
	text := j.inputs[0]
	for n := range times - 1 {
		name := fmt.Sprintf("%s.%d", text, n)
		if err := os.Link(text, name); err != nil {
			return 0, nil, err
		}
		j.inputs = append(j.inputs, name)
	}
	began := time.Now()
	used, err := b.during(func() error { return j.drive(ctx) })
	return time.Since(began), used, err
}

// during is what the processes of each role have of the processors while something is done.
func (b *bench) during(do func() error) (map[role]time.Duration, error) {
	before, err := b.used()
	if err == nil {
		err = do()
	}
	if err != nil {
		return nil, err
	}
	after, err := b.used()
	for r := range after {
		after[r] -= before[r]
	}
	return after, err
}

// used is what the living processes of each role have had of the processors.
func (b *bench) used() (map[role]time.Duration, error) {
	all := map[role]time.Duration{}
	for _, m := range b.members {
		used, err := processorTime(m.life.Pid())
		if err != nil {
			return nil, err
		}
		all[m.role] += used
	}
	return all, nil
}

// tick is the unit of /proc/PID/stat on Linux.
const tick = time.Second / 100

// processorTime is user and system time of a process.
func processorTime(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("%w: what state costs is measured on Linux only: leave it out with -only", err)
	}
	_, rest, _ := bytes.Cut(stat, []byte(") ")) // behind the name, which may hold anything else
	fields := strings.Fields(string(rest))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields behind the name, want 13 or more", pid, len(fields))
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	system, other := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick, errors.Join(err, other)
}
