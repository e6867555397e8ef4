//go:build !linux

package scale

import "time"

// cpu is how much time has passed: what this thread has run, if the machine had nothing else to do.
func cpu() time.Duration { return time.Since(begun) }

var begun = time.Now()
