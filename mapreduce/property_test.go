package mapreduce_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
	"jetreduce/mapreduce/programs"
)

// timeless hides the test's Deadline, which must not be asked for in a bubble, from rapid.
type timeless struct{ testing.TB }

// check is rapid.Check where the clock stands decades before the files' times, so that a plan need not wait until they
// are quiet. Each check gets a directory of its own.
func check(t *testing.T, property func(t *rapid.T, dir string)) {
	t.Helper()
	root, round := t.TempDir(), 0
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(timeless{t}, func(rt *rapid.T) {
			round++
			dir := filepath.Join(root, strconv.Itoa(round))
			if err := os.Mkdir(dir, 0o755); err != nil {
				rt.Fatal(err)
			}
			property(rt, dir)
			if err := os.RemoveAll(dir); err != nil {
				rt.Fatal(err)
			}
		})
	})
}

// atoms are what texts go wrong at: white space of all kinds, line ends, bytes that are no UTF-8, letters that change
// their length or depend on their place when lower-cased, NUL, and the separators of the formats.
var atoms = []string{
	"a", "a", "b", "ab", "word", "\n", "\n", "\n", " ", "\t", "\r\n", "\r", "\v", "\u00a0", "\u2028", "\u3000",
	"A", "Σ", "ΑΣ", "σ", "ς", "İ", "É", "é", "e\u0301", "ß", "«", "»", "0", "-", "'", "‘", "\x00", "\xff", "\xc3", "\xe2\x82",
	",", `"`, "\\", "\ufeff", "a-word-that-is-longer-than-fifteen-bytes", "\U0001F98A",
}

// files draws texts, and writes them.
func files(t *rapid.T, dir string) (paths, texts []string) {
	text := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(atoms), 0, 150).Draw(t, "atoms"), "")
	})
	texts = rapid.SliceOfN(text, 1, 4).Draw(t, "texts")
	for i, text := range texts {
		path := filepath.Join(dir, fmt.Sprint("input-", i))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths, texts
}

// cut draws how a job is cut. The memory bound is often so tiny that every few records are spilled.
func cut(t *rapid.T, program mapreduce.Program, dir string) engine {
	return engine{
		program: program, scratch: dir,
		splitSize: rapid.Int64Range(0, 300).Draw(t, "split size"),
		reduces:   rapid.SampledFrom([]int{1, 2, 3, 7, 64}).Draw(t, "reduces"),
		memory:    rapid.SampledFrom([]int64{0, 1, 256, 1 << 10, 4 << 10, 64 << 10}).Draw(t, "memory"),
		batch:     rapid.SampledFrom([]int{0, 1, 16, 100}).Draw(t, "batch"),
	}
}

func TestResultIsThatOfASequentialRun(t *testing.T) {
	sequential := map[string]func(texts []string) []row{"wordcount": countWords, "identity": passLines, "count": countLines}
	for name, oracle := range sequential {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := program(t, name)
			check(t, func(t *rapid.T, dir string) {
				paths, texts := files(t, dir)
				job := cut(t, program, dir)
				job.order = rapid.SampledFrom([]string{"", "bytes", "original"}).Draw(t, "order")
				job.format = rapid.SampledFrom([]string{"", "tsv", "csv", "ndjson"}).Draw(t, "format")
				got, err := job.run(context.Background(), paths...)
				if err != nil {
					t.Fatal(err)
				}
				want := written(t, sorted(t, oracle(texts), job.order), job.format, program.Numeric)
				if !bytes.Equal(got, want) {
					t.Fatalf("got %q, want %q", got, want)
				}
			})
		})
	}
}

// row is a row of a result.
type row struct{ key, value string }

func countWords(texts []string) []row {
	counts := map[string]int{}
	for _, text := range texts {
		var words programs.Words
		words.Reset([]byte(text))
		for word := words.Next(); word != nil; word = words.Next() {
			counts[string(word)]++
		}
	}
	var rows []row
	for _, word := range slices.Sorted(maps.Keys(counts)) {
		rows = append(rows, row{word, strconv.Itoa(counts[word])})
	}
	return rows
}

// lines are those of all texts, in order: the last of one never goes on in the next.
func lines(texts []string) []string {
	var all []string
	for _, text := range texts {
		for line := range strings.Lines(text) {
			all = append(all, strings.TrimSuffix(line, "\n"))
		}
	}
	return all
}

func passLines(texts []string) []row {
	var rows []row
	for _, line := range lines(texts) {
		key, value, _ := strings.Cut(line, "\t")
		rows = append(rows, row{key, value})
	}
	return rows
}

func countLines(texts []string) []row {
	if n := len(lines(texts)); n > 0 {
		return []row{{"lines", strconv.Itoa(n)}}
	}
	return nil
}

// sorted puts rows in order. Rows of one key stay as they are: that is the order of the input.
func sorted(t *rapid.T, rows []row, name string) []row {
	order, err := output.ParseOrder(name)
	if err != nil {
		t.Fatal(err)
	}
	weight := map[string]string{}
	for _, r := range rows {
		weight[r.key] = string(order.AppendKey(nil, []byte(r.key)))
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(weight[a.key], weight[b.key]) })
	return rows
}

// written writes rows plainly.
func written(t *rapid.T, rows []row, format string, numeric bool) []byte {
	var b bytes.Buffer
	for _, r := range rows {
		switch format {
		case "csv":
			fmt.Fprintf(&b, "%s,%s\r\n", quoted(r.key), quoted(r.value))
		case "ndjson":
			value := member("value", r.value)
			if numeric {
				value = `"value":` + r.value
			}
			fmt.Fprintf(&b, "{%s,%s}\n", member("key", r.key), value)
		default:
			fmt.Fprintf(&b, "%s\t%s\n", r.key, r.value)
		}
	}
	return b.Bytes()
}

func quoted(field string) string {
	if strings.ContainsAny(field, "\r\n,\"") {
		return `"` + strings.ReplaceAll(field, `"`, `""`) + `"`
	}
	return field
}

// escapes are those of JSON strings that can occur here.
var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", `\r`, "\t", `\t`, "\x00", `\u0000`, "\v", `\u000b`)

func member(name, text string) string {
	if !utf8.ValidString(text) {
		return fmt.Sprintf(`"%s_b64":"%s"`, name, base64.StdEncoding.EncodeToString([]byte(text)))
	}
	return fmt.Sprintf(`"%s":"%s"`, name, escapes.Replace(text))
}

// Two attempts of one map are compared by digest, and may have been given memory differently.
func TestDigestDoesNotDependOnMemory(t *testing.T) {
	for _, name := range []string{"wordcount", "identity"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := program(t, name)
			check(t, func(t *rapid.T, dir string) {
				paths, _ := files(t, dir)
				first := cut(t, program, dir)
				second := first
				second.memory = rapid.SampledFrom([]int64{0, 1, 300, 2 << 10}).Draw(t, "other memory")
				second.batch = rapid.SampledFrom([]int{0, 1, 50}).Draw(t, "other batch")
				for _, attempt := range []*engine{&first, &second} {
					if _, err := attempt.run(context.Background(), paths...); err != nil {
						t.Fatal(err)
					}
				}
				if !slices.Equal(first.digests, second.digests) {
					t.Fatalf("maps have digests %x, and with other memory %x", first.digests, second.digests)
				}
			})
		})
	}
}

// A mapper that answers differently the second time is caught by its digest, whatever it is that differs.
func TestOtherOutputGivesAnotherDigest(t *testing.T) {
	pair := rapid.Custom(func(t *rapid.T) row {
		return row{rapid.SampledFrom(atoms).Draw(t, "key"), rapid.SampledFrom(atoms).Draw(t, "value")}
	})
	check(t, func(t *rapid.T, dir string) {
		path := filepath.Join(dir, "input")
		if err := os.WriteFile(path, []byte("x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		first := rapid.SliceOfN(pair, 0, 20).Draw(t, "first")
		second := otherwise(t, first)
		reduces := rapid.SampledFrom([]int{1, 2, 7}).Draw(t, "reduces")
		var digests []mapreduce.Digest
		for _, pairs := range [][]row{first, second} {
			job := engine{program: emitting(pairs), reduces: reduces, scratch: dir}
			if _, err := job.run(context.Background(), path); err != nil {
				t.Fatal(err)
			}
			digests = append(digests, job.digests...)
		}
		if digests[0] == digests[1] {
			t.Fatalf("%q and %q have one digest", first, second)
		}
	})
}

// otherwise is the pairs with one difference.
func otherwise(t *rapid.T, pairs []row) []row {
	pairs = slices.Clone(pairs)
	at := rapid.IntRange(0, len(pairs)).Draw(t, "at")
	if at == len(pairs) {
		return append(pairs, row{"one", "more"})
	}
	value := []byte(pairs[at].value)
	switch rapid.SampledFrom([]string{"drop", "lengthen", "flip a bit"}).Draw(t, "difference") {
	case "drop":
		return slices.Delete(pairs, at, at+1)
	case "lengthen":
		value = append(value, '!')
	default:
		value[0] ^= 1
	}
	pairs[at].value = string(value)
	return pairs
}

// emitting is a program whose mapper emits just these pairs.
func emitting(pairs []row) mapreduce.Program {
	return mapreduce.Program{
		Mapper: func(map[string]string) (mapreduce.Mapper, error) {
			return mapFunc(func(out mapreduce.Output) {
				for _, p := range pairs {
					out.Emit([]byte(p.key), []byte(p.value))
				}
			}), nil
		},
		Reducer: func(map[string]string) (mapreduce.Reducer, error) { return dropping{}, nil },
	}
}
