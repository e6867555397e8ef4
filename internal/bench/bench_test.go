package bench_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"jetreduce/internal/bench"
	"jetreduce/internal/clustertest"
	"jetreduce/mapreduce"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTextIsTheSameEachTime(t *testing.T) {
	var one, two bytes.Buffer
	text := bench.Text{Bytes: 100_000, Distinct: 5000}
	for _, buffer := range []*bytes.Buffer{&one, &two} {
		if n, err := text.WriteTo(buffer); err != nil || n != int64(buffer.Len()) || n < text.Bytes {
			t.Fatalf("wrote %d of %d bytes: %v", n, text.Bytes, err)
		}
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("two texts differ")
	}
}

func TestBaselineDoesTheSameWork(t *testing.T) {
	var text bytes.Buffer
	if _, err := (bench.Text{Bytes: 3 << 20, Distinct: 200_000}).WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	text.WriteString("Ünd noch ΣΑΣ; no final newline, but \xff and a long line: ")
	text.Write(bytes.Repeat([]byte("longer "), 400_000))
	inputs := clustertest.WriteFiles(t, text.String())
	output := filepath.Join(t.TempDir(), "baseline")
	if err := bench.CountWords(inputs[0], output); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	status, got := clustertest.Cluster{}.Run(t, mapreduce.Job{Program: "wordcount", Inputs: inputs, SplitSize: 1 << 20, Reduces: 3})
	if status.State != mapreduce.Done || got != string(want) {
		t.Errorf("state %s; the two differ: %t", status.State, got != string(want))
	}
}
