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

func rate(tasks int, took time.Duration) float64 { return float64(tasks) / took.Seconds() }

func tinyTasks() Benchmark {
	const name = "tiny-tasks"
	target := Target{Ratio: 0.5}
	what := "100,000 tasks that do nothing, from submission to result ÷ raw JetStream: as many messages, taken and acknowledged"
	return Benchmark{name, what, target, func(ctx context.Context, s *Stage) ([]Row, error) {
		n := s.count(100_000, 100)
		var o Outcome
		err := s.onCluster(ctx, 2, func(c *cluster) (err error) {
			o, err = c.duelWithBare(ctx, n)
			return err
		})
		if err != nil {
			return nil, err
		}
		reached := rate(n, Median(o.Ours))
		row := faster(name, reached, rate(n, Median(o.Baseline)), "raw JetStream", target)
		return append([]Row{row}, againstPeers(name, reached, s.Peers)...), nil
	}}
}

// duelWithBare runs jobs of so many tasks in turn with bare queues of as many. A first job, which is not timed, counts them:
// what does nothing cannot show that it was done.
func (c *cluster) duelWithBare(ctx context.Context, n int) (o Outcome, err error) {
	if _, _, err := c.taskJob(ctx, countProgram, n, counted(n)); err != nil {
		return o, err
	}
	for range c.stage.Rounds {
		baseline, err := drainBare(ctx, c.url, n)
		if err != nil {
			return o, err
		}
		_, ours, err := c.taskJob(ctx, noopProgram, n, "")
		if err != nil {
			return o, err
		}
		o.Ours, o.Baseline = append(o.Ours, ours), append(o.Baseline, baseline)
	}
	return o, nil
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
	what := "800 tasks that wait for 50 ms, 8 worker processes of 1 slot ÷ one"
	return Benchmark{name, what, target, func(ctx context.Context, s *Stage) ([]Row, error) {
		n := s.count(800, 16)
		times := map[int][]time.Duration{}
		for range s.Rounds {
			for _, workers := range []int{1, many} {
				err := s.onCluster(ctx, workers, func(c *cluster) error {
					_, took, err := c.taskJob(ctx, waitProgram, n, counted(n))
					times[workers] = append(times[workers], took)
					return err
				})
				if err != nil {
					return nil, err
				}
			}
		}
		return []Row{faster(name, rate(n, Median(times[many])), rate(n, Median(times[1])), "1 worker", target)}, nil
	}}
}

func manySplits() Benchmark {
	return Benchmark{
		"splits-100k", "the coordinator's processor time for a split, and its memory, in a job of 100,000 splits; and of 25,000",
		Target{Most: 100, Unit: "µs"}, measureSplits,
	}
}

func measureSplits(ctx context.Context, s *Stage) ([]Row, error) {
	const memory = 200 // MB
	cpu := manySplits().Target.Most
	var rows []Row
	for _, splits := range []int{s.count(100_000, 100), s.count(25_000, 25)} {
		usage, maps, err := s.coordinating(ctx, splits)
		if err != nil {
			return nil, err
		}
		name := fmt.Sprintf("splits-100k: %d splits", splits)
		micros := float64(usage.CPU) / float64(time.Microsecond)
		rows = append(rows,
			atMost(name+", processor time a split", micros/float64(splits), "µs", cpu),
			atMost(fmt.Sprintf("%s in %d maps, processor time a map", name, maps), micros/float64(maps), "µs", 0),
			atMost(name+", memory", float64(usage.Memory)/1e6, "MB", memory))
	}
	return rows, nil
}

// coordinating is what a coordinator takes in its whole life, in which there is one job of so many splits, and how many maps
// they were packed into.
func (s *Stage) coordinating(ctx context.Context, splits int) (usage Usage, maps int, err error) {
	c, err := s.cluster(ctx, 2)
	if err != nil {
		return Usage{}, 0, err
	}
	status, _, err := c.taskJob(ctx, countProgram, splits, counted(splits))
	usage, stopped := c.stop()
	return usage, status.Maps.Total, errors.Join(err, stopped)
}
