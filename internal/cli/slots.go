package cli

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// slots is a flag for how many tasks run at a time: so many, or one a core as far as memory allows. The zero value is the latter.
type slots struct {
	number int
	each   size // memory that each must have
}

const (
	maxSlots = 1024
	// leastBound is how much of the memory bound each slot has at least, unless their number is asked for: with less, it sorts on disk.
	leastBound = 64 << 20
	// leastEach is the least memory that may be asked for each slot: less is a slip.
	leastEach = 1 << 20
)

func (s *slots) String() string {
	switch {
	case s.number > 0:
		return strconv.Itoa(s.number)
	case s.each > 0:
		return s.each.String()
	}
	return ""
}

// Type is what help shows.
func (s *slots) Type() string { return "N|cores|BYTES" }

// Set reads what was typed.
func (s *slots) Set(text string) error {
	wrong := fmt.Errorf("%q: use 1 to %d; or cores; or what memory each must have, such as 512MiB, from %dMiB", text, maxSlots, leastEach>>20)
	if text == "cores" {
		*s = slots{}
		return nil
	}
	if strings.TrimLeft(text, "0123456789") == "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxSlots {
			return wrong
		}
		*s = slots{number: n}
		return nil
	}
	var each size
	if err := each.Set(text); err != nil || each < leastEach {
		return wrong
	}
	*s = slots{each: each}
	return nil
}

// computer is what slots are chosen by.
type computer struct {
	cores  int   // that this process may use
	memory int64 // likewise
	bound  int64 // for sorting and grouping
}

func thisComputer(bound int64) computer {
	return computer{cores: runtime.GOMAXPROCS(0), memory: thisMemory(), bound: bound}
}

// thisMemory is the memory that this process may use.
func thisMemory() int64 { return usableMemory(os.DirFS("/")) }

// fit refuses slots of which not even one has the memory that each must have.
func (s *slots) fit(memory int64) error {
	if int64(s.each) <= memory {
		return nil
	}
	return fmt.Errorf("each is to have %d MiB of memory, and this process may use %d MiB in all: ask for less, or say how many",
		s.each>>20, memory>>20)
}

// on is how many slots this machine gets, and why.
func (s *slots) on(m computer) (n int, why string) {
	if s.number > 0 {
		return s.number, "as asked for"
	}
	fit, why := m.bound/leastBound, "64 MiB of the memory bound each"
	if s.each > 0 {
		fit, why = m.memory/int64(s.each), fmt.Sprintf("%d MiB of memory each", s.each>>20)
	}
	if fit >= int64(m.cores) {
		return min(m.cores, maxSlots), "one a core"
	}
	return int(max(1, fit)), why
}
