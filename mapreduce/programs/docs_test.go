package programs_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/mapreducetest"
)

// typed is what stands behind a $ in a document, and what follows it.
type typed struct{ command, output string }

// typedIn is all that is typed in the blocks of a document.
func typedIn(t *testing.T, document string) []typed {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var all []typed
	for i, block := range strings.Split(string(text), "```\n") {
		if i%2 == 0 {
			continue
		}
		for _, one := range strings.Split("\n"+block, "\n$ ")[1:] {
			command, output, _ := strings.Cut(one, "\n")
			if output != "" && !strings.HasSuffix(output, "\n") {
				output += "\n"
			}
			all = append(all, typed{command, output})
		}
	}
	return all
}

// The document shows what really comes out.
func TestDocumentShowsWhatProgramsGive(t *testing.T) {
	files, runs := map[string]string{}, 0
	for _, one := range typedIn(t, "../../docs/programs.md") {
		if name, cat := strings.CutPrefix(one.command, "cat "); cat {
			files[name] = one.output
			continue
		}
		program, config := commandLine(t, one.command, files)
		got := mapreducetest.Run(t, program, config).Text()
		if program.Bare {
			got = strings.ReplaceAll(got, "\t\n", "\n")
		}
		if diff := cmp.Diff(one.output, got); diff != "" {
			t.Errorf("%s (-document +program):\n%s", one.command, diff)
		}
		runs++
	}
	if runs < 10 {
		t.Errorf("only %d runs found in the document", runs)
	}
}

// commandLine reads `jetreduce run PROGRAM INPUT… --arg K=V --records KIND`, of words without blanks.
func commandLine(t *testing.T, command string, files map[string]string) (mapreduce.Program, mapreducetest.Config) {
	t.Helper()
	words := strings.Fields(strings.ReplaceAll(command, "'", ""))
	if len(words) < 4 || words[0] != "jetreduce" || words[1] != "run" {
		t.Fatalf("what is %q?", command)
	}
	config := mapreducetest.Config{Args: map[string]string{}, Inputs: map[string]string{}}
	for i := 3; i < len(words); i++ {
		switch words[i] {
		case "--arg":
			i++
			name, value, _ := strings.Cut(words[i], "=")
			config.Args[name] = value
		case "--records":
			i++
			config.Records = mapreduce.Records(words[i])
		default:
			config.Inputs["/data/"+words[i]] = files[words[i]]
		}
	}
	return programNamed(t, words[2]), config
}
