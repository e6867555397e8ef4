package chaos

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"jetreduce/internal/processtest"
)

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExpectedIsWhatASequentialReaderSees(t *testing.T) {
	paths := []string{write(t, "a", "b\ty b\na\tx\n"), write(t, "b", "b\tx")} // the last line ends with its file
	for program, want := range map[string]string{
		"wordcount": "a\t1\nb\t3\nx\t2\ny\t1\n",
		"count":     "lines\t3\n",
		"identity":  "a\tx\nb\ty b\nb\tx\n",
	} {
		if got, err := Expected(program, paths); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q", program, got, err, want)
		}
	}
	if _, err := Expected("grep", paths); err == nil {
		t.Error("it knows a program that it does not know")
	}
}

// Promise: what the real command makes of a text in one process is what the oracle says, for each program.
func TestExpectedIsWhatAnEmbeddedRunMakes(t *testing.T) {
	home, err := processtest.NewHome(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	plan := JobPlan{ID: "text", Files: 3, Bytes: 300_000}
	paths, err := writeTexts(t.TempDir(), rand.New(rand.NewPCG(1, 2)), plan)
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"wordcount", "count", "identity"} {
		want, err := Expected(program, paths)
		if err != nil {
			t.Fatal(err)
		}
		args := append([]string{"run", program, "--split-size", "20000", "--reduces", "3"}, paths...)
		if got := output(t, home, args); !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, want %d", program, len(got), len(want))
		}
	}
}

// output is what a command writes, which must exit with 0.
func output(t *testing.T, home *processtest.Home, args []string) []byte {
	t.Helper()
	cmd, err := home.Command(nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	child, err := processtest.StartChild(args[0], cmd, func(line []byte) { t.Logf("%s", line) })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), processtest.Limit)
	defer cancel()
	select {
	case <-child.Over():
	case <-ctx.Done():
		_ = child.Send(os.Kill)
		<-child.Over()
	}
	if code := child.Ending().ExitCode(); code != 0 {
		t.Fatalf("%v exited with %d", args, code)
	}
	return child.Said()
}

func TestTextOfASeedIsTheSame(t *testing.T) {
	var texts [][]byte
	for range 2 {
		paths, err := writeTexts(t.TempDir(), rand.New(rand.NewPCG(7, 7)), JobPlan{ID: "text", Files: 1, Bytes: 50_000})
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(paths[0])
		if err != nil || len(text) < 50_000 {
			t.Fatalf("%d bytes: %v", len(text), err)
		}
		texts = append(texts, text)
	}
	if !bytes.Equal(texts[0], texts[1]) {
		t.Error("the same seed makes two texts")
	}
}

func TestDifferenceIsNamed(t *testing.T) {
	for content, wrong := range map[string]bool{"abc": false, "abd": true, "ab": true, "abcd": true, "": true} {
		difference, err := differ(write(t, "result", content), []byte("abc"))
		if err != nil || (difference != "") != wrong {
			t.Errorf("%q: %q, %v", content, difference, err)
		}
	}
	if _, err := differ(filepath.Join(t.TempDir(), "none"), nil); err == nil {
		t.Error("a result that is not there is right")
	}
}
