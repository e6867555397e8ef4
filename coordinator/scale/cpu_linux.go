package scale

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpu is how long this thread has run: on a machine that is busy with other things, less than has passed.
func cpu() time.Duration {
	var spent unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &spent); err != nil {
		panic(err) // every kernel has this clock
	}
	return time.Duration(spent.Nano())
}
