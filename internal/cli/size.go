package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// size is a flag for bytes: 4096, 64K, 16M, 1G, with or without iB or B. The letters count in 1024.
type size int64

func (s *size) String() string {
	if *s == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*s), 10)
}

// Type is what help shows.
func (s *size) Type() string { return "BYTES" }

// Set reads what was typed.
func (s *size) Set(text string) error {
	digits := strings.TrimRight(text, "KMGTkmgtiBb")
	unit, known := units[strings.ToUpper(text[len(digits):])]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !known || n < 1 || n > math.MaxInt64/unit {
		return fmt.Errorf("%q is no size: use bytes from 1, such as 4096, 64K or 16MiB", text)
	}
	*s = size(n * unit)
	return nil
}

var units = map[string]int64{
	"": 1, "B": 1,
	"K": 1 << 10, "KB": 1 << 10, "KIB": 1 << 10,
	"M": 1 << 20, "MB": 1 << 20, "MIB": 1 << 20,
	"G": 1 << 30, "GB": 1 << 30, "GIB": 1 << 30,
	"T": 1 << 40, "TB": 1 << 40, "TIB": 1 << 40,
}
