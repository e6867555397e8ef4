package jetreduce

import (
	"encoding"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
)

// Key is what keys can be: their order is that of bytes, or of numbers.
type Key interface {
	~string | ~[]byte | ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// codec makes bytes of a type and back. It is chosen once, when a program is built: for types that Go itself names no record pays for
// reflection. What parse returns of a []byte stands as long as the data does.
type codec[T any] struct {
	append func(dst []byte, x T) ([]byte, error)
	parse  func(data []byte) (T, error)
}

type signed interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64
}

type unsigned interface {
	~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

func keyCodec[K Key]() codec[K] {
	for _, known := range []any{
		text, raw, signedKey[int](), signedKey[int8](), signedKey[int16](), signedKey[int32](), signedKey[int64](),
		unsignedKey[uint](), unsignedKey[uint8](), unsignedKey[uint16](), unsignedKey[uint32](), unsignedKey[uint64](),
	} {
		if c, is := known.(codec[K]); is {
			return c
		}
	}
	return named[K](signedKey[int64](), unsignedKey[uint64]())
}

// valueCodec is how values travel. Those that are summed are whole numbers, whatever way they have to marshal themselves.
func valueCodec[V any](sums bool) codec[V] {
	for _, known := range []any{
		text, raw, whole[int](), whole[int8](), whole[int16](), whole[int32](), whole[int64](),
		whole[uint](), whole[uint8](), whole[uint16](), whole[uint32](), whole[uint64](), float[float32](), float[float64](),
	} {
		if c, is := known.(codec[V]); is {
			return c
		}
	}
	var v V
	_, marshals := any(v).(encoding.BinaryMarshaler)
	_, unmarshals := any(&v).(encoding.BinaryUnmarshaler)
	of := reflect.TypeFor[V]()
	switch {
	case marshals && unmarshals && !sums && of.Kind() != reflect.Pointer:
		return codec[V]{appendBinary[V], parseBinary[V]}
	case isText(of), isWholeKind(of.Kind()):
		return named[V](whole[int64](), whole[uint64]())
	}
	return codec[V]{appendJSON[V], parseJSON[V]}
}

// The codecs of strings and bytes are constant.
var (
	text = codec[string]{
		func(dst []byte, x string) ([]byte, error) { return append(dst, x...), nil },
		func(data []byte) (string, error) { return string(data), nil },
	}
	raw = codec[[]byte]{
		func(dst []byte, x []byte) ([]byte, error) { return append(dst, x...), nil },
		func(data []byte) ([]byte, error) { return data, nil },
	}
)

// signedKey is whole numbers in the order of their values, in eight bytes.
func signedKey[N signed]() codec[N] {
	return codec[N]{
		func(dst []byte, n N) ([]byte, error) { return appendSigned(dst, int64(n)), nil },
		func(data []byte) (N, error) {
			n, err := eight(data)
			return N(n ^ 1<<63), err
		},
	}
}

func unsignedKey[N unsigned]() codec[N] {
	return codec[N]{
		func(dst []byte, n N) ([]byte, error) { return binary.BigEndian.AppendUint64(dst, uint64(n)), nil },
		func(data []byte) (N, error) {
			n, err := eight(data)
			return N(n), err
		},
	}
}

func eight(data []byte) (uint64, error) {
	if len(data) != 8 {
		return 0, fmt.Errorf("%.32x is no number of eight bytes", data)
	}
	return binary.BigEndian.Uint64(data), nil
}

// whole is whole numbers as mapreduce.Sum reads them.
func whole[N signed | unsigned]() codec[N] {
	return codec[N]{
		func(dst []byte, n N) ([]byte, error) { return binary.AppendVarint(dst, int64(n)), nil },
		func(data []byte) (N, error) {
			n, size := binary.Varint(data)
			if size <= 0 || size != len(data) {
				return 0, fmt.Errorf("%.32x is no varint", data)
			}
			if int64(N(n)) != n {
				return 0, fmt.Errorf("%d does not fit %T", n, N(0))
			}
			return N(n), nil
		},
	}
}

func float[F float32 | float64]() codec[F] {
	return codec[F]{
		func(dst []byte, x F) ([]byte, error) {
			return binary.BigEndian.AppendUint64(dst, math.Float64bits(float64(x))), nil
		},
		func(data []byte) (F, error) {
			bits, err := eight(data)
			return F(math.Float64frombits(bits)), err
		},
	}
}

func appendBinary[V any](dst []byte, v V) ([]byte, error) {
	data, err := any(v).(encoding.BinaryMarshaler).MarshalBinary()
	return append(dst, data...), err
}

func parseBinary[V any](data []byte) (v V, err error) {
	err = any(&v).(encoding.BinaryUnmarshaler).UnmarshalBinary(data)
	return v, err
}

func appendJSON[V any](dst []byte, v V) ([]byte, error) {
	data, err := json.Marshal(v)
	return append(dst, data...), err
}

func parseJSON[V any](data []byte) (v V, err error) {
	err = json.Unmarshal(data, &v)
	return v, err
}
