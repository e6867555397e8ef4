package jetreduce

import (
	"context"
	"fmt"
	"io"
	"iter"
	"reflect"

	"jetreduce/mapreduce"
)

// building makes mappers and reducers of a program.
type building[K Key, V any] struct {
	program Program[K, V]
	keys    codec[K]
	values  codec[V]
}

type mapFunc[K Key, V any] func(ctx context.Context, r Record, emit func(K, V)) error

func (f mapFunc[K, V]) Map(ctx context.Context, r Record, emit func(K, V)) error {
	return f(ctx, r, emit)
}

type reduceFunc[K Key, V any] func(ctx context.Context, key K, values iter.Seq[V], emit func(key, value any)) error

func (f reduceFunc[K, V]) Reduce(ctx context.Context, key K, values iter.Seq[V], emit func(key, value any)) error {
	return f(ctx, key, values, emit)
}

// What a Mapper or Reducer may have besides.
type (
	starter interface {
		Start(ctx context.Context) error
	}
	pairFlusher[K Key, V any] interface {
		Flush(ctx context.Context, emit func(K, V)) error
	}
	rowFlusher interface {
		Flush(ctx context.Context, emit func(key, value any)) error
	}
)

// shuffle says what happens to pairs between map and reduce.
func (b building[K, V]) shuffle(built *mapreduce.Program) {
	switch {
	case b.program.Sum:
		built.Combiner = mapreduce.Sum
	case b.program.Combine != nil:
		built.Combiner = combiner[V]{b.program.Combine, b.values}
	}
	if b.program.Sort != nil {
		built.Group = mapreduce.GroupOf
	}
	if b.program.Partition != nil {
		built.Partition = b.partition
	}
}

func (b building[K, V]) newMapper(args map[string]string) (mapreduce.Mapper, error) {
	var of Mapper[K, V] = mapFunc[K, V](b.program.Map)
	if b.program.NewMap != nil {
		var err error
		if of, err = b.program.NewMap(args); err != nil {
			return nil, err
		}
	} else if err := b.takesNone(args); err != nil {
		return nil, err
	}
	m := &mapper[K, V]{building: b, of: of}
	m.emit = m.keep
	flushes, ok := of.(pairFlusher[K, V])
	if err := b.check(of, ok, "func(ctx context.Context, emit func(K, V)) error"); err != nil {
		return nil, err
	}
	if ok {
		return &flushingMapper[K, V]{m, flushes}, nil
	}
	return m, nil
}

func (b building[K, V]) newReducer(args map[string]string) (mapreduce.Reducer, error) {
	var of Reducer[K, V] = reduceFunc[K, V](b.program.Reduce)
	if b.program.NewReduce != nil {
		var err error
		if of, err = b.program.NewReduce(args); err != nil {
			return nil, err
		}
	}
	r := &reducer[K, V]{building: b, of: of}
	r.emit, r.values = r.row, r.each
	_, ok := of.(rowFlusher)
	return r, b.check(of, ok, "func(ctx context.Context, emit func(key, value any)) error")
}

// check refuses methods that look as if they would be called, and are not what is called.
func (b building[K, V]) check(of any, flushes bool, flush string) error {
	_, starts := of.(starter)
	_, closes := of.(io.Closer)
	for name, known := range map[string]bool{"Start": starts, "Flush": flushes, "Close": closes} {
		want := map[string]string{"Start": "func(ctx context.Context) error", "Flush": flush, "Close": "func() error"}[name]
		if method := reflect.ValueOf(of).MethodByName(name); method.IsValid() && !known {
			return mapreduce.Permanentf("program %s: method %s of %T is %s: make it %s, or rename it", b.program.Name, name, of, method.Type(), want)
		}
	}
	return nil
}

// takesNone refuses arguments that nothing reads.
func (b building[K, V]) takesNone(args map[string]string) error {
	if len(args) > 0 && b.program.NewReduce == nil {
		return fmt.Errorf("%s takes no arguments: leave them out, or give the program a NewMap or NewReduce that reads them", b.program.Name)
	}
	return nil
}

func start(ctx context.Context, of any) error {
	if s, ok := of.(starter); ok {
		return s.Start(ctx)
	}
	return nil
}

func end(of any) error {
	if c, ok := of.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// partition asks the program which partition a key belongs to.
func (b building[K, V]) partition(key []byte, partitions int) int {
	k, err := b.key(nil, key)
	if err != nil {
		panic(err) // a key of ours, which keyCodec has made
	}
	return b.program.Partition(k, partitions)
}

// key is the key that was emitted, of one with the order of its value behind it if values are sorted.
func (b building[K, V]) key(buf, key []byte) (K, error) {
	if b.program.Sort != nil {
		key = mapreduce.AppendGroupKey(buf[:0], key)
	}
	return b.keys.parse(key)
}

// combiner folds values with types.
type combiner[V any] struct {
	fold   func(a, b V) V
	values codec[V]
}

func (c combiner[V]) Combine(acc, value []byte) []byte {
	a, err := c.values.parse(acc)
	if err != nil {
		panic(err)
	}
	b, err := c.values.parse(value)
	if err != nil {
		panic(err)
	}
	folded, err := c.values.append(acc[:0], c.fold(a, b))
	if err != nil {
		panic(err) // a combiner has no other way to say that a value cannot be marshaled
	}
	return folded
}

// newAdder is the reducer of Sum alone.
func (b building[K, V]) newAdder(args map[string]string) (mapreduce.Reducer, error) {
	add := Program[K, int64]{Reduce: func(_ context.Context, key K, values iter.Seq[int64], emit func(key, value any)) error {
		var total int64
		for value := range values {
			total += value
		}
		emit(key, total)
		return nil
	}}
	return building[K, int64]{program: add, keys: b.keys, values: whole[int64]()}.newReducer(args)
}
