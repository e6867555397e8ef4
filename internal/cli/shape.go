package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"jetreduce/bus"
)

// shapeFlags say how streams are made.
type shapeFlags struct {
	replicas, data int
	bound          size
}

const (
	replicasFlag = "replicas"
	dataFlag     = "data-replicas"
)

// registerBound declares the flag of all who make streams.
func (f *shapeFlags) registerBound(cmd *cobra.Command) {
	cmd.Flags().Var(&f.bound, "max-bytes", "bound each stream that is made, for accounts that want that said; it is reserved at once")
}

// register declares the flags of who makes the streams of jobs.
func (f *shapeFlags) register(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.data, dataFlag, 1, "on how many servers of a cluster runs are kept, 1 or 3: with 3 none runs again when one dies")
	f.registerBound(cmd)
}

// check refuses numbers of servers that are no use.
func (f *shapeFlags) check() error {
	for _, flag := range []struct {
		name string
		is   int
	}{{replicasFlag, f.replicas}, {dataFlag, f.data}} {
		if flag.is != 0 && flag.is != 1 && flag.is != 3 {
			return usageError{fmt.Errorf("--%s %d: use 1 or 3", flag.name, flag.is)}
		}
	}
	if f.bound > 0 && f.bound < leastRoom {
		return usageError{fmt.Errorf("--max-bytes %d: use 1M at least: nobody could lead, or queue anything, in less", f.bound)}
	}
	return nil
}

// leastRoom is what a stream of state or tasks needs to be of any use.
const leastRoom = 1 << 20

func (f *shapeFlags) shape() bus.Shape {
	return bus.Shape{Replicas: f.replicas, DataReplicas: f.data, MaxBytes: int64(f.bound)}
}
