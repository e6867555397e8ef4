package shuffle

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"testing"

	"jetreduce/mapreduce"
)

// words are like those of a text: of Zipf's frequencies, short ones first.
func words(n, distinct int) [][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(random, 1.1, 3, uint64(distinct-1))
	return inText(n, func() []byte { return wordNumber(int(zipf.Uint64())) })
}

// inText lays words back to back, as a mapper meets them.
func inText(n int, word func() []byte) [][]byte {
	text, ends := []byte{}, make([]int, n)
	for i := range ends {
		text = append(text, word()...)
		ends[i] = len(text)
	}
	list, from := make([][]byte, n), 0
	for i, end := range ends {
		list[i], from = text[from:end], end
	}
	return list
}

func wordNumber(n int) []byte {
	w := []byte{}
	for x := n*7919 + 26; x > 0; x /= 26 {
		w = append(w, byte('a'+x%26))
	}
	if n%7 == 0 {
		w = append(w, "tion"...)
	}
	return w
}

func BenchmarkEmitWords(b *testing.B) {
	for _, distinct := range []int{10_000, 200_000} {
		b.Run(fmt.Sprint(distinct), func(b *testing.B) {
			list := words(1<<20, distinct)
			s := NewSorter(SorterConfig{Partitions: 2, Combiner: mapreduce.Sum})
			defer s.Close()
			one := mapreduce.One()
			for _, w := range list {
				s.Emit(w, one)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				s.Emit(list[i&(1<<20-1)], one)
				i++
			}
		})
	}
}

// BenchmarkEmitDistinct is nearly the worst case of counting: 3.2 million words that each come about twice.
func BenchmarkEmitDistinct(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	list := inText(1<<22, func() []byte { return fmt.Appendf(nil, "w%d", random.IntN(3_200_000)) })
	one := mapreduce.One()
	for _, memory := range []int64{64 << 20, 512 << 20} {
		b.Run(fmt.Sprintf("%dMiB", memory>>20), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s := NewSorter(SorterConfig{Partitions: 2, Combiner: mapreduce.Sum, Memory: memory, Scratch: b.TempDir()})
				for _, w := range list {
					s.Emit(w, one)
				}
				if s.Err() != nil {
					b.Fatal(s.Err())
				}
				s.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(list)), "ns/emit")
		})
	}
}

// BenchmarkFlushDistinct is the sort and the encoding of counted words.
func BenchmarkFlushDistinct(b *testing.B) {
	const n = 1_000_000
	for b.Loop() {
		b.StopTimer()
		s := NewSorter(SorterConfig{Partitions: 2, Combiner: mapreduce.Sum, Memory: 512 << 20})
		for i := range n {
			s.Add(wordNumber(i), 1)
		}
		b.StartTimer()
		flushBench(b, s)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/word")
}

func flushBench(b *testing.B, s *Sorter) (chunks [][]byte) {
	_, err := s.Flush(context.Background(), RunOwner{0, attempt(1)}, func(_ int, chunk []byte) error {
		chunks = append(chunks, chunk)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	s.Close()
	return chunks
}

func BenchmarkPartition(b *testing.B) {
	list := words(1<<20, 200_000)
	sum, i := 0, 0
	for b.Loop() {
		sum += Partition(list[i&(1<<20-1)], 16)
		i++
	}
	if sum < 0 {
		b.Fatal("no partition is negative")
	}
}

// BenchmarkEncode cuts records that are sorted into chunks, and compresses those that shrink.
func BenchmarkEncode(b *testing.B) {
	const n = 100_000
	for name, text := range map[string]bool{"random": false, "text": true} {
		keys, values := sortRecords(n, text)
		b.Run(name, func(b *testing.B) {
			e, err := newEncoder(RunOwner{0, attempt(1)}, 512<<10, func(int, []byte) error { return nil })
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(n * 99)
			for b.Loop() {
				encodeBench(b, e, keys, values)
			}
		})
	}
}

func encodeBench(b *testing.B, e *encoder, keys, values [][]byte) {
	e.begin(0)
	for i := range keys {
		if err := e.put(b.Context(), keys[i], values[i]); err != nil {
			b.Fatal(err)
		}
	}
	if trailer, err := e.end(b.Context()); err != nil || trailer.Records != int64(len(keys)) {
		b.Fatal(trailer, err)
	}
}

// sortRecords are of 100 bytes with a random key of 10, as sort benchmarks have them; text shrinks, random bytes do not.
func sortRecords(n int, text bool) (keys, values [][]byte) {
	random := rand.New(rand.NewPCG(3, 4))
	for range n {
		record := make([]byte, 97) // 3 more for the lengths
		for i := range record {
			record[i] = byte(random.Uint32())
			if text {
				record[i] = " etaoinsrhldcumf"[record[i]%16]
			}
		}
		keys, values = append(keys, record[:10]), append(values, record[10:])
	}
	return keys, values
}

func BenchmarkSort(b *testing.B) {
	const n = 320_000
	for name, text := range map[string]bool{"random": false, "text": true} {
		keys, values := sortRecords(n, text)
		b.Run(name+"/emit", func(b *testing.B) {
			b.SetBytes(n * 99)
			for b.Loop() {
				sortEmit(keys, values).Close()
			}
		})
		b.Run(name+"/arrange", func(b *testing.B) {
			b.SetBytes(n * 99)
			s := sortEmit(keys, values)
			for b.Loop() {
				s.index.arrange(s.buffer, 4)
			}
		})
		b.Run(name+"/flush", func(b *testing.B) {
			b.SetBytes(n * 99)
			for b.Loop() {
				b.StopTimer()
				s := sortEmit(keys, values)
				b.StartTimer()
				flushBench(b, s)
			}
		})
	}
}

func sortEmit(keys, values [][]byte) *Sorter {
	s := NewSorter(SorterConfig{Partitions: 4})
	for i := range keys {
		s.Emit(keys[i], values[i])
	}
	return s
}

func BenchmarkMerge(b *testing.B) {
	const runs, n = 16, 40_000
	for name, text := range map[string]bool{"random": false, "text": true} {
		var roster mapreduce.Roster
		var chunks [][]byte
		for task := range runs {
			s := NewSorter(SorterConfig{})
			random := rand.New(rand.NewPCG(5, uint64(task)))
			keys, values := sortRecords(n, text)
			for i := range keys {
				keys[i][random.IntN(10)]++
				s.Emit(keys[i], values[i])
			}
			roster = append(roster, attempt(1))
			_, err := s.Flush(b.Context(), RunOwner{task, attempt(1)}, func(_ int, c []byte) error {
				chunks = append(chunks, c)
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		for _, memory := range []int64{256 << 20, 4 << 20} {
			b.Run(fmt.Sprintf("%s/%dMiB", name, memory>>20), func(b *testing.B) {
				b.SetBytes(runs * n * 99)
				for b.Loop() {
					mergeBench(b, CollectorConfig{Roster: roster, Memory: memory, Scratch: b.TempDir()}, chunks)
				}
			})
		}
	}
}

func mergeBench(b *testing.B, config CollectorConfig, chunks [][]byte) {
	c := NewCollector(config)
	for _, chunk := range chunks {
		if err := c.Add(chunk); err != nil {
			b.Fatal(err)
		}
	}
	m, err := c.Merge(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	err = m.Groups(b.Context(), func(_ []byte, values iter.Seq[[]byte]) error {
		for range values {
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	m.Close()
}
