package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"jetreduce/bus/bare"
	"jetreduce/mapreduce"
)

// tasks are jobs whose tasks do nothing: what the system itself takes for a task.
func tasks() []Benchmark { return []Benchmark{tinyTasks(), scaling(), manySplits()} }

// taskJob runs a job of so many tasks, of which some may be in a pack. The result must be the one wanted, and all input must
// have been read by maps that are committed. It returns where the job stood at its end, and how long it took.
func (c *cluster) taskJob(ctx context.Context, program string, tasks int, want string) (mapreduce.Status, time.Duration, error) {
	input, err := c.stage.lines(tasks)
	if err != nil {
		return mapreduce.Status{}, 0, err
	}
	job := mapreduce.Job{Program: program, Inputs: []string{fileURL(input)}, SplitSize: 1, MapOnly: program == noopProgram}
	if !job.MapOnly {
		job.Reduces = 1
	}
	status, result, took, err := c.run(ctx, job)
	read := mapreduce.Extent{Total: int64(tasks * len(taskLine)), Done: int64(tasks * len(taskLine))}
	if err == nil && (string(result) != want || status.Bytes != read || status.Maps.Done != status.Maps.Total) {
		err = fmt.Errorf("job of %d tasks: the result is %.50q, want %q; read %+v; maps %+v", tasks, result, want, status.Bytes, status.Maps)
	}
	return status, took, err
}

// unpacked looks whether each task was a map of its own: several in a pack are something else to measure.
func unpacked(status mapreduce.Status, tasks int) error {
	if status.Maps.Total != tasks {
		return fmt.Errorf("%d tasks were %d maps: they are to be measured unpacked", tasks, status.Maps.Total)
	}
	return nil
}

func rate(tasks int, took time.Duration) float64 { return float64(tasks) / took.Seconds() }

func tinyTasks() Benchmark {
	const name = "tiny-tasks"
	target := Target{Ratio: 0.5}
	what := "100,000 tasks that do nothing, from submission to result ÷ raw JetStream: as many messages, taken and acknowledged"
	return Benchmark{name, what, target, func(ctx context.Context, s *Stage) ([]Row, error) {
		n := s.count(100_000, 100)
		var o Outcome
		var maps int
		err := s.onCluster(ctx, 2, func(c *cluster) (err error) {
			o, maps, err = c.duelWithBare(ctx, n)
			return err
		})
		if err != nil {
			return nil, err
		}
		reached := rate(n, Median(o.Ours))
		rows := []Row{
			faster(name, reached, rate(n, Median(o.Baseline)), "raw JetStream", target),
			atMost(fmt.Sprintf("%s: messages and commits for %d tasks", name, n), float64(maps), "maps", 0),
		}
		return append(rows, againstPeers(name, reached, s.Peers)...), nil
	}}
}

// duelWithBare runs jobs of so many tasks in turn with bare queues of as many. A first job, which is not timed, counts them:
// what does nothing cannot show that it was done. It also says how many maps they were packed into.
func (c *cluster) duelWithBare(ctx context.Context, n int) (o Outcome, maps int, err error) {
	status, _, err := c.taskJob(ctx, countProgram, n, counted(n))
	if err != nil {
		return o, 0, err
	}
	for range c.stage.Rounds {
		baseline, err := drainBare(ctx, c.url, n)
		if err != nil {
			return o, 0, err
		}
		_, ours, err := c.taskJob(ctx, noopProgram, n, "")
		if err != nil {
			return o, 0, err
		}
		o.Ours, o.Baseline = append(o.Ours, ours), append(o.Baseline, baseline)
	}
	return o, status.Maps.Total, nil
}

// drainBare fills a bare queue, and returns how long it took to empty it.
func drainBare(ctx context.Context, url string, n int) (time.Duration, error) {
	queue, err := bare.Fill(ctx, url, n)
	if err != nil {
		return 0, err
	}
	took, err := queue.Drain(ctx)
	return took, errors.Join(err, queue.Close(ctx))
}

func scaling() Benchmark {
	const name, many = "scaling", 8
	target := Target{Ratio: 7.6}
	what := "100 tasks a worker that wait for 50 ms, 8 worker processes of 1 slot ÷ one"
	return Benchmark{name, what, target, func(ctx context.Context, s *Stage) ([]Row, error) {
		each := min(s.count(100, 2), unpackedPerSlot)
		times := map[int][]time.Duration{}
		for range s.Rounds {
			for _, workers := range []int{1, many} {
				took, err := s.waiting(ctx, workers, each*workers)
				if err != nil {
					return nil, err
				}
				times[workers] = append(times[workers], took)
			}
		}
		ours, baseline := rate(many*each, Median(times[many])), rate(each, Median(times[1]))
		return []Row{faster(name, ours, baseline, "1 worker", target)}, nil
	}}
}

// waiting is how long so many workers take for so many tasks that wait.
func (s *Stage) waiting(ctx context.Context, workers, tasks int) (took time.Duration, err error) {
	err = s.onCluster(ctx, workers, func(c *cluster) error {
		status, all, err := c.taskJob(ctx, waitProgram, tasks, counted(tasks))
		took = all
		return errors.Join(err, unpacked(status, tasks))
	})
	return took, err
}
