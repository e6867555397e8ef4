package jetreduce

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
)

// named is the codec of a type with a name of its own that is a string, bytes or a whole number underneath.
func named[T any](signed codec[int64], unsigned codec[uint64]) codec[T] {
	appendNamed := func(dst []byte, x T) ([]byte, error) {
		switch v := reflect.ValueOf(x); {
		case v.Kind() == reflect.String:
			return append(dst, v.String()...), nil
		case v.CanInt():
			return signed.append(dst, v.Int())
		case v.CanUint():
			return unsigned.append(dst, v.Uint())
		default:
			return append(dst, v.Bytes()...), nil
		}
	}
	return codec[T]{appendNamed, func(data []byte) (x T, err error) {
		err = setNamed(reflect.ValueOf(&x).Elem(), data, signed, unsigned)
		return x, err
	}}
}

// setNamed reads what a named codec has written.
func setNamed(v reflect.Value, data []byte, signed codec[int64], unsigned codec[uint64]) error {
	switch {
	case v.Kind() == reflect.String:
		v.SetString(string(data))
	case v.CanInt():
		n, err := signed.parse(data)
		if v.OverflowInt(n) {
			return fmt.Errorf("%d does not fit %s", n, v.Type())
		}
		v.SetInt(n)
		return err
	case v.CanUint():
		n, err := unsigned.parse(data)
		if v.OverflowUint(n) {
			return fmt.Errorf("%d does not fit %s", n, v.Type())
		}
		v.SetUint(n)
		return err
	default:
		v.SetBytes(data)
	}
	return nil
}

func isText(of reflect.Type) bool { return of.Kind() == reflect.String || isBytes(of) }

func isBytes(of reflect.Type) bool {
	return of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Uint8
}

func isWholeKind(kind reflect.Kind) bool { return reflect.Int <= kind && kind <= reflect.Uint64 }

// isWhole reports whether a value is a whole number.
func isWhole(v any) bool { return v != nil && isWholeKind(reflect.TypeOf(v).Kind()) }

// ascendingNamed is Ascending of all types that have no way of their own.
func ascendingNamed(dst []byte, x any) []byte {
	switch v := reflect.ValueOf(x); {
	case v.Kind() == reflect.String:
		return Ascending(dst, v.String())
	case v.CanInt():
		return appendSigned(dst, v.Int())
	case v.CanUint():
		dst, _ = unsignedKey[uint64]().append(dst, v.Uint())
		return dst
	default:
		return appendFloat(dst, v.Float())
	}
}

// textCodec is how rows are written. Nobody reads them back.
func textCodec[T any]() codec[T] {
	return codec[T]{append: func(dst []byte, x T) ([]byte, error) { return appendText(dst, x) }}
}

// appendText appends a key or a value of a row.
func appendText(dst []byte, x any) ([]byte, error) {
	switch x := x.(type) {
	case nil:
		return dst, nil
	case string:
		return append(dst, x...), nil
	case []byte:
		return append(dst, x...), nil
	case int:
		return strconv.AppendInt(dst, int64(x), 10), nil
	case int64:
		return strconv.AppendInt(dst, x, 10), nil
	case float64:
		return appendReal(dst, x, 64), nil
	case encoding.TextMarshaler:
		written, err := x.MarshalText()
		return append(dst, written...), err
	}
	return appendOther(dst, x)
}

// appendReal writes a float as JSON does: without an exponent, but for the very large and the very small.
func appendReal(dst []byte, x float64, bits int) []byte {
	if size := math.Abs(x); size >= 1e21 || size < 1e-6 && size > 0 {
		return strconv.AppendFloat(dst, x, 'g', -1, bits)
	}
	return strconv.AppendFloat(dst, x, 'f', -1, bits)
}

func appendOther(dst []byte, x any) ([]byte, error) {
	switch v := reflect.ValueOf(x); {
	case v.Kind() == reflect.String:
		return append(dst, v.String()...), nil
	case v.CanInt():
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case v.CanUint():
		return strconv.AppendUint(dst, v.Uint(), 10), nil
	case v.CanFloat():
		return appendReal(dst, v.Float(), v.Type().Bits()), nil
	case isBytes(v.Type()):
		return append(dst, v.Bytes()...), nil
	}
	data, err := json.Marshal(x)
	if err != nil {
		return dst, fmt.Errorf("write %T: %w", x, err)
	}
	return append(dst, data...), nil
}
