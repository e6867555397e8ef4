package jetreduce

import (
	"encoding/binary"
	"math"

	"jetreduce/mapreduce"
)

// Sortable is what values can be sorted by.
type Sortable interface {
	~string | ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// Ascending appends what sorts values by x, the least first. What is appended behind it decides among those with the same x.
func Ascending[X Sortable](dst []byte, x X) []byte {
	switch x := any(x).(type) {
	case string:
		return mapreduce.AppendGroup(dst, []byte(x))
	case float64:
		return appendFloat(dst, x)
	case int64:
		return appendSigned(dst, x)
	}
	return ascendingNamed(dst, x)
}

// Descending is Ascending, the greatest first.
func Descending[X Sortable](dst []byte, x X) []byte {
	begin := len(dst)
	dst = Ascending(dst, x)
	for i := begin; i < len(dst); i++ {
		dst[i] = ^dst[i]
	}
	return dst
}

func appendSigned(dst []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(n)^1<<63)
}

// appendFloat orders the bits of floats as their values: -0 is 0, and NaN is the greatest.
func appendFloat(dst []byte, x float64) []byte {
	if x != x {
		return binary.BigEndian.AppendUint64(dst, math.MaxUint64)
	}
	bits := math.Float64bits(x + 0) // -0 + 0 is 0
	if bits>>63 == 1 {
		return binary.BigEndian.AppendUint64(dst, ^bits)
	}
	return binary.BigEndian.AppendUint64(dst, bits|1<<63)
}
