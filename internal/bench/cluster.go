package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"time"

	"jetreduce/bus"
	"jetreduce/client"
	"jetreduce/mapreduce"
)

// cluster is a bus, a coordinator or two, and workers, each a process of its own; and a connection of this one.
type cluster struct {
	stage  *Stage
	url    string
	bus    *bus.Bus
	hangUp func() // ends the connection

	server       *child
	coordinators []*child
	workers      []*child
	started      int // children so far: each has its name
}

// What daemons say.
const (
	hosts    = "hosting the bus"
	decides  = "decides"
	standsBy = "stands by"
)

// onCluster calls use with a new cluster, whose workers have one slot, and which is stopped then.
func (s *Stage) onCluster(ctx context.Context, workers int, use func(c *cluster) error) error {
	c, err := s.cluster(ctx, workers, 1)
	if err != nil {
		return err
	}
	err = use(c)
	_, stopped := c.stop()
	return errors.Join(err, stopped)
}

// cluster starts a cluster with one coordinator, and returns when it is ready for jobs.
func (s *Stage) cluster(ctx context.Context, workers, slots int) (*cluster, error) {
	c := &cluster{stage: s, hangUp: func() {}}
	if err := c.start(ctx, workers, slots); err != nil {
		_, stopped := c.stop()
		return nil, errors.Join(fmt.Errorf("start a cluster: %w", err), stopped)
	}
	return c, nil
}

func (c *cluster) start(ctx context.Context, workers, slots int) error {
	if err := c.startBus(ctx); err != nil {
		return err
	}
	if _, err := c.coordinator(ctx, decides); err != nil {
		return err
	}
	for range workers {
		w, err := c.child("worker", "--server", c.url, "--slots", strconv.Itoa(slots), "--scratch", c.stage.in(scratch))
		if err != nil {
			return err
		}
		c.workers = append(c.workers, w)
	}
	if err := c.connect(ctx); err != nil {
		return err
	}
	return c.awaitWorkers(ctx)
}

func (c *cluster) startBus(ctx context.Context) error {
	store, err := os.MkdirTemp(c.stage.work, "store-")
	if err != nil {
		return err
	}
	if c.server, err = c.child("bus", "--addr", "127.0.0.1:0", "--store", store); err != nil {
		return err
	}
	hosting, err := c.server.await(ctx, hosts)
	c.url, _ = hosting.fields["address"].(string)
	return err
}

// child starts a daemon.
func (c *cluster) child(command string, args ...string) (*child, error) {
	c.started++
	name := fmt.Sprintf("%s-%d", command, c.started)
	return c.stage.start(name, append([]string{command, "--log", "json"}, args...)...)
}

// coordinator starts a coordinator, and waits until it leads or stands by.
func (c *cluster) coordinator(ctx context.Context, until string) (*child, error) {
	started, err := c.child("coordinator", "--server", c.url)
	if err != nil {
		return nil, err
	}
	c.coordinators = append(c.coordinators, started)
	_, err = started.await(ctx, until)
	return started, err
}

func (c *cluster) connect(ctx context.Context) error {
	nc, err := bus.Connect(ctx, bus.ConnectConfig{URL: c.url, Name: "jetreduce bench", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	c.hangUp = nc.Close
	c.bus, err = bus.New(nc, "")
	return err
}

// awaitWorkers waits until the leader has heard of all workers: before, nothing is queued for them.
func (c *cluster) awaitWorkers(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, childLimit, fmt.Errorf("not within %s", childLimit))
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		known, err := c.bus.Desk().Workers(ctx)
		if err == nil && len(known) == len(c.workers) {
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("wait for %d workers, %d are there: %w", len(c.workers), len(known), context.Cause(ctx)), err)
		}
	}
}

// run runs a job, and returns its result and how long it took from the submission until the result was here.
func (c *cluster) run(ctx context.Context, job mapreduce.Job) (status mapreduce.Status, result []byte, took time.Duration, err error) {
	job.ID = client.NewID(job.Program)
	began := time.Now()
	if status, err = client.Run(ctx, c.bus.Desk(), job, client.View{}); err != nil {
		return status, nil, 0, err
	}
	if status.State != mapreduce.Done {
		return status, nil, 0, fmt.Errorf("job %s is %s: %s", job.ID, status.State, status.Error)
	}
	out, err := c.bus.Results().Fetch(ctx, status.UID, status.Output)
	if err != nil {
		return status, nil, 0, err
	}
	result, err = io.ReadAll(out)
	took = time.Since(began)
	return status, result, took, errors.Join(err, out.Close())
}

// stop stops all, the bus last, and returns what the coordinators took.
func (c *cluster) stop() (coordinators Usage, err error) {
	c.hangUp()
	for _, w := range c.workers {
		_, stopped := w.stop()
		err = errors.Join(err, stopped)
	}
	for _, each := range c.coordinators {
		u, stopped := each.stop()
		err = errors.Join(err, stopped)
		coordinators.CPU += u.CPU
		coordinators.Memory = max(coordinators.Memory, u.Memory)
	}
	if c.server != nil {
		_, stopped := c.server.stop()
		err = errors.Join(err, stopped)
	}
	return coordinators, err
}
