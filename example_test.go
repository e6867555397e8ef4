package jetreduce_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"strings"

	"jetreduce"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/mapreducetest"
)

// show runs a program over a few lines, as mapreducetest does in a unit test, and prints its rows.
func show(program mapreduce.Program, config mapreducetest.Config) {
	result, err := mapreducetest.Try(context.Background(), program, config)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(result.Text())
	for name, n := range result.Counters {
		fmt.Printf("(%s: %d)\n", name, n)
	}
}

// lines is one input of these lines.
func lines(of ...string) map[string]string {
	return map[string]string{"input.txt": strings.Join(of, "\n") + "\n"}
}

// Words are counted: Sum is the reduce and the combiner.
func ExampleProgram() {
	words := jetreduce.Program[string, int64]{
		Name: "mywords",
		Doc:  "count each word",
		Map: func(_ context.Context, r jetreduce.Record, emit func(string, int64)) error {
			for word := range r.Words() {
				emit(word, 1)
			}
			return nil
		},
		Sum: true,
	}
	show(words.Build(), mapreducetest.Config{Inputs: lines("The fox.", "the FOX, the!")})
	// Output:
	// fox	2
	// the	3
}

// mean is a sum with a count: unlike averages these can be added up in any grouping. Tenths of degrees are whole numbers, so no sum of
// them hangs on its order.
type mean struct{ Tenths, N int64 }

// An average needs a combiner that folds what can be folded, and a reduce that divides.
func ExampleProgram_combiner() {
	averages := jetreduce.Program[string, mean]{
		Name: "averages",
		Map: func(_ context.Context, r jetreduce.Record, emit func(string, mean)) error {
			var station string
			var degrees float64
			if _, err := fmt.Sscan(r.Text(), &station, &degrees); err != nil {
				return err
			}
			emit(station, mean{int64(math.Round(degrees * 10)), 1})
			return nil
		},
		Combine: func(a, b mean) mean { return mean{a.Tenths + b.Tenths, a.N + b.N} },
		Reduce: func(_ context.Context, station string, values iter.Seq[mean], emit func(key, value any)) error {
			var all mean
			for value := range values {
				all.Tenths, all.N = all.Tenths+value.Tenths, all.N+value.N
			}
			emit(station, fmt.Sprintf("%.2f", float64(all.Tenths)/10/float64(all.N)))
			return nil
		},
	}
	show(averages.Build(), mapreducetest.Config{Inputs: lines("oslo 3.5", "faro 21", "oslo -1", "faro 24.5", "oslo 4")})
	// Output:
	// faro	22.75
	// oslo	2.17
}

type day struct {
	Date    string
	Degrees float64
}

// The two hottest days of each station: the values of a key come sorted, so that a reduce takes the first two and keeps none.
func ExampleProgram_secondarySort() {
	hottest := jetreduce.Program[string, day]{
		Name: "hottest",
		Map: func(_ context.Context, r jetreduce.Record, emit func(string, day)) error {
			var station string
			var d day
			if _, err := fmt.Sscan(r.Text(), &station, &d.Date, &d.Degrees); err != nil {
				return err
			}
			emit(station, d)
			return nil
		},
		Sort: func(dst []byte, d day) []byte {
			return jetreduce.Ascending(jetreduce.Descending(dst, d.Degrees), d.Date) // of equally hot days the first
		},
		Reduce: func(_ context.Context, station string, days iter.Seq[day], emit func(key, value any)) error {
			n := 0
			for d := range days {
				if n++; n > 2 {
					break
				}
				emit(station, fmt.Sprintf("%s %.1f", d.Date, d.Degrees))
			}
			return nil
		},
	}
	show(hottest.Build(), mapreducetest.Config{Inputs: lines(
		"oslo 2024-06-01 21.5", "faro 2024-06-01 30", "oslo 2024-06-03 24", "faro 2024-06-02 29", "oslo 2024-06-02 24", "faro 2024-06-03 31.5",
	)})
	// Output:
	// faro	2024-06-03 31.5
	// faro	2024-06-01 30.0
	// oslo	2024-06-02 24.0
	// oslo	2024-06-03 24.0
}

// stopping counts the words that a list does not have. The list is a file that the job ships along (run --file stop.txt).
type stopping struct {
	file string
	stop map[string]bool
}

// Start reads the list once for each attempt.
func (s *stopping) Start(ctx context.Context) error {
	file, err := os.Open(mapreduce.TaskOf(ctx).Path(s.file))
	if err != nil {
		return err
	}
	defer file.Close()
	s.stop = map[string]bool{}
	words := bufio.NewScanner(file)
	for words.Scan() {
		s.stop[words.Text()] = true
	}
	return words.Err()
}

func (s *stopping) Map(_ context.Context, r jetreduce.Record, emit func(string, int64)) error {
	for word := range r.Words() {
		if !s.stop[word] {
			emit(word, 1)
		}
	}
	return nil
}

// A program with an argument, and with a file that its maps read before the first record.
func ExampleProgram_sideInput() {
	words := jetreduce.Program[string, int64]{
		Name: "rarewords",
		NewMap: func(args map[string]string) (jetreduce.Mapper[string, int64], error) {
			if args["stop"] == "" || len(args) > 1 {
				return nil, errors.New("rarewords takes one argument: stop=FILE, a file that the job ships along")
			}
			return &stopping{file: args["stop"]}, nil
		},
		Sum: true,
	}
	show(words.Build(), mapreducetest.Config{
		Args:   map[string]string{"stop": "stop.txt"},
		Files:  map[string]string{"stop.txt": "the\nof\n"},
		Inputs: lines("the fox of the den", "the fox"),
	})
	// Output:
	// den	1
	// fox	2
}

// What a program leaves out it counts. Without a reduce it is map only: rows come in the order of the input.
func ExampleProgram_counters() {
	slow := jetreduce.Program[string, int]{
		Name: "slow",
		Doc:  "requests that took more than a second",
		Map: func(ctx context.Context, r jetreduce.Record, emit func(string, int)) error {
			var request struct {
				URL string
				MS  int
			}
			if err := r.JSON(&request); err != nil {
				mapreduce.Count(ctx, "slow", "lines that are no JSON", 1)
				return nil
			}
			if request.MS > 1000 {
				emit(request.URL, request.MS)
			}
			return nil
		},
	}
	show(slow.Build(), mapreducetest.Config{
		Records: mapreduce.NDJSON,
		Inputs:  lines(`{"url":"/b","ms":1200}`, `{"url":"/a","ms":3}`, `oops`, `{"url":"/a","ms":4000}`),
	})
	// Output:
	// /b	1200
	// /a	4000
	// (slow,lines that are no JSON: 1)
}

// With a partitioner of its own a program says which keys one reducer sees, and with the order emitted the rows stay as reducers emit them:
// here each partition is a range of years, so that the whole is in the order of years, as numbers.
func ExampleProgram_partitioner() {
	years := jetreduce.Program[int, int64]{
		Name: "years",
		Map: func(_ context.Context, r jetreduce.Record, emit func(int, int64)) error {
			var year int
			if _, err := fmt.Sscan(r.Text(), &year); err != nil {
				return err
			}
			emit(year, 1)
			return nil
		},
		Sum:       true,
		Partition: func(year, partitions int) int { return min(max(0, year), 2099) * partitions / 2100 },
		Order:     "emitted",
	}
	show(years.Build(), mapreducetest.Config{Inputs: lines("476", "1969", "1066", "1969", "79")})
	// Output:
	// 79	1
	// 476	1
	// 1066	1
	// 1969	2
}
