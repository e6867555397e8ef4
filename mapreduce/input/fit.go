package input

import (
	"fmt"
	"strconv"

	"jetreduce/mapreduce"
)

const (
	minChosen     = 4 << 20
	maxChosen     = 64 << 20
	splitsPerSlot = 4 // small enough that the slots end together, large enough that a task is worth its start
)

// chosenSize is the split size for a job whose user named none. It is never one that is refused, if any fits.
func chosenSize(files []listed, slots, limit int) int64 {
	var total int64
	for _, file := range files {
		total += file.Size
	}
	size := min(max(total/int64(splitsPerSlot*max(slots, 1)), minChosen), maxChosen)
	if atMost(files, size) > int64(limit) {
		if fitting := smallestFit(files, size, limit); fitting > 0 {
			return fitting
		}
	}
	return size
}

// atMost is how many splits of a size the files are cut into, at most: every nominal cut may be one. It does not rise
// with the size, so what fits at one size fits at every larger one.
func atMost(files []listed, size int64) int64 {
	var count int64
	small := newGatherer(files, size, func([]extent) error { count++; return nil })
	_ = small.all(func(n int) error { // cannot fail: neither function does
		count++
		if !files[n].entire {
			count += (files[n].Size - 1) / size
		}
		return nil
	})
	return count
}

// smallestFit is the smallest size, above one that does not fit, at which the files are certain to make no more splits
// than the limit; 0 when no size does that.
func smallestFit(files []listed, below int64, limit int) int64 {
	fits := below
	for _, file := range files {
		fits += file.Size
	}
	if atMost(files, fits) > int64(limit) {
		return 0
	}
	for fits-below > 1 {
		middle := below + (fits-below)/2
		if atMost(files, middle) > int64(limit) {
			below = middle
		} else {
			fits = middle
		}
	}
	return fits
}

// tooMany refuses a split size, and names one that works.
func tooMany(files []listed, size int64, limit int) error {
	refusal := fmt.Sprintf("split size %d cuts the input into more than %s splits", size, grouped(int64(limit)))
	if fits := smallestFit(files, size, limit); fits > 0 {
		return mapreduce.Permanentf("%s: use --split-size %d or more", refusal, fits)
	}
	return mapreduce.Permanentf("%s, and so does every other: give fewer or larger files than these %s", refusal,
		grouped(int64(len(files))))
}

// grouped writes a number as people read it: 1,000,000.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
