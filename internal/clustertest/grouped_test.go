package clustertest_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"jetreduce/internal/clustertest"
	"jetreduce/mapreduce"
)

// visits is a secondary sort: of each user the visits, the latest first. A key is USER TAB TIME. Users are parted by their first letter,
// and rows come as they are emitted, so that the result says in which partition each was.
func visits(reduces int) mapreduce.Program {
	return mapreduce.Program{
		Name: "visits", Noun: "visits", Order: "emitted", Reduces: reduces,
		Mapper:  func(map[string]string) (mapreduce.Mapper, error) { return visitMapper{}, nil },
		Reducer: func(map[string]string) (mapreduce.Reducer, error) { return visitReducer{}, nil },
		KeyOrder: func(dst, key []byte) []byte {
			user, at, _ := bytes.Cut(key, tab)
			n, _ := strconv.Atoi(string(at))
			return fmt.Appendf(append(dst, user...), "\x00%08d", 99_999_999-n)
		},
		Group:     user,
		Partition: func(key []byte, partitions int) int { return partOf(string(key), partitions) },
	}
}

var tab = []byte{'\t'}

func user(key []byte) []byte {
	user, _, _ := bytes.Cut(key, tab)
	return user
}

// partOf puts the first letters of the alphabet last, which no hash would.
func partOf(key string, partitions int) int { return (partitions - 1) - int(key[0]-'a')*partitions/26 }

// visitMapper reads USER TAB TIME TAB PAGE.
type visitMapper struct{}

func (visitMapper) Map(_ context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	for _, line := range batch.Lines() {
		at := bytes.LastIndexByte(line, '\t')
		out.Emit(line[:at], line[at+1:])
	}
	return nil
}

// visitReducer makes one row a user.
type visitReducer struct{}

func (visitReducer) Reduce(_ context.Context, key []byte, pages iter.Seq[[]byte], out mapreduce.Output) error {
	group := slices.Clone(user(key))
	var all []string
	for page := range pages {
		all = append(all, string(page))
	}
	out.Emit(group, []byte(strings.Join(all, " ")))
	return nil
}

// visited makes files of lines, and what a sequential run makes of them in so many partitions.
func visited(partitions int) (files []string, want string) {
	type visit struct {
		user, page string
		at         int
	}
	random := rand.New(rand.NewPCG(6, 1))
	var all []visit
	for file := range 3 {
		var text strings.Builder
		for n := range 40 {
			v := visit{string(rune('a' + random.IntN(26))), fmt.Sprintf("p%d.%d", file, n), random.IntN(50)}
			fmt.Fprintf(&text, "%s\t%d\t%s\n", v.user, v.at, v.page)
			all = append(all, v)
		}
		files = append(files, text.String())
	}
	slices.SortStableFunc(all, func(a, b visit) int {
		return cmp.Or(cmp.Compare(partOf(a.user, partitions), partOf(b.user, partitions)), cmp.Compare(a.user, b.user), b.at-a.at)
	})
	var rows strings.Builder
	for i, v := range all {
		switch {
		case i > 0 && all[i-1].user == v.user:
			rows.WriteString(" " + v.page)
		case i > 0:
			rows.WriteString("\n" + v.user + "\t" + v.page)
		default:
			rows.WriteString(v.user + "\t" + v.page)
		}
	}
	return files, rows.String() + "\n"
}

// A secondary sort in partitions of its own is exact when a worker dies, or comes late, at any point of a map, a reduce or the finish.
func TestGroupsStayInOrderWhenAttemptsDieOrComeLate(t *testing.T) {
	for _, phase := range []mapreduce.Phase{mapreduce.Map, mapreduce.Reduce, mapreduce.Finish} {
		for _, point := range []clustertest.Point{clustertest.Pulled, clustertest.Published, clustertest.Committed} {
			for _, dies := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/dies=%t", phase, point, dies), func(t *testing.T) {
					t.Parallel()
					fault := clustertest.NewFault(phase, point, dies)
					cluster := clustertest.Cluster{Workers: 2, Refit: fault.Refit, Programs: []mapreduce.Program{visits(0)}}
					groupAndCompare(t, cluster, 3, 3)
					checkStruck(t, fault)
				})
			}
		}
	}
}

// What does not fit into memory is sorted in the same order.
func TestGroupsThatDoNotFitIntoMemoryStayInOrder(t *testing.T) {
	t.Parallel()
	groupAndCompare(t, clustertest.Cluster{Memory: 1, Programs: []mapreduce.Program{visits(0)}}, 3, 3)
}

// groupAndCompare runs the program with so many reduces asked for, and expects what a sequential run makes in so many partitions.
func groupAndCompare(t *testing.T, cluster clustertest.Cluster, asked, partitions int) {
	t.Helper()
	files, want := visited(partitions)
	status, got := cluster.Run(t, mapreduce.Job{
		Program: "visits", Inputs: clustertest.WriteFiles(t, files...), SplitSize: 100, Reduces: asked,
		Output: mapreduce.Target{Order: "emitted"},
	})
	done(t, status)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if status.Reduces.Total != max(1, asked) || status.Attempts.Failed > 0 {
		t.Errorf("%d reduces, asked for were %d; attempts %+v", status.Reduces.Total, asked, status.Attempts)
	}
}

// A program whose reducer must see all keys has them all in one partition, whatever the job asks for: the others are empty.
func TestProgramOfOnePartitionHasAllKeysInIt(t *testing.T) {
	t.Parallel()
	for asked := range 4 {
		groupAndCompare(t, clustertest.Cluster{Slots: 2, Programs: []mapreduce.Program{visits(1)}}, asked, 1)
	}
}
