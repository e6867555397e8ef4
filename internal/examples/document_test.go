package examples_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// document is what a Markdown file has for a shell.
type document struct {
	examples []example
	files    map[string]string // of blocks in Go that begin with `// NAME.go`
}

// example is a command, as it is typed.
type example struct {
	line    int // of the document, from 1
	command string
	prints  string // what the document shows behind it
	shown   bool   // whether it shows anything
}

// block is what stands between two fences.
type block struct {
	language string
	first    int // the line of the document that the first of lines is
	lines    []string
}

var comment = regexp.MustCompile(`\s+# (.*)$`)

// parse reads the commands of a document. They stand in blocks of three kinds:
//
//	```sh      each line is one, or goes on after a \; `# prints TEXT` behind it, or a block of text after it, is its output
//	```        with lines that begin with `$ `: those are commands, what follows them is their output
//	```go      with `// NAME.go` on top: a file
func parse(text string) (document, error) {
	d := document{files: map[string]string{}}
	for _, b := range blocks(text) {
		switch {
		case b.language == "sh":
			d.examples = append(d.examples, commands(b)...)
		case b.language == "go" && len(b.lines) > 0 && strings.HasPrefix(b.lines[0], "// "):
			d.files[strings.TrimPrefix(b.lines[0], "// ")] = strings.Join(b.lines, "\n") + "\n"
		case b.language == "text" && len(d.examples) > 0:
			last := &d.examples[len(d.examples)-1]
			last.prints, last.shown = strings.Join(b.lines, "\n")+"\n", true
		case slices.ContainsFunc(b.lines, func(line string) bool { return strings.HasPrefix(line, "$ ") }):
			d.examples = append(d.examples, session(b)...)
		default:
			if err := notCommands(b); err != nil {
				return d, err
			}
		}
	}
	return d, nil
}

// blocks are the fenced ones.
func blocks(text string) []block {
	var all []block
	var open *block
	for i, line := range strings.Split(text, "\n") {
		language, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &block{language: language, first: i + 2}
		case fence:
			all, open = append(all, *open), nil
		case open != nil:
			open.lines = append(open.lines, line)
		}
	}
	return all
}

// commands are those of a block of sh.
func commands(b block) []example {
	var all []example
	for i := 0; i < len(b.lines); i++ {
		first := b.first + i
		line := b.lines[i]
		for strings.HasSuffix(line, `\`) && i+1 < len(b.lines) {
			i++
			line = strings.TrimRight(strings.TrimSuffix(line, `\`), " ") + " " + strings.TrimLeft(b.lines[i], " ")
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		one := example{line: first, command: comment.ReplaceAllString(line, "")}
		if said := comment.FindStringSubmatch(line); said != nil {
			one.prints, one.shown = strings.CutPrefix(said[1], "prints ")
			one.prints += "\n"
		}
		all = append(all, one)
	}
	return all
}

// session is what somebody typed at a prompt, and saw.
func session(b block) []example {
	var all []example
	for i, line := range b.lines {
		if typed, is := strings.CutPrefix(line, "$ "); is {
			all = append(all, example{line: b.first + i, command: comment.ReplaceAllString(typed, "")})
		} else if len(all) > 0 {
			last := &all[len(all)-1]
			last.prints, last.shown = last.prints+line+"\n", true
		}
	}
	return all
}

// notCommands refuses a block that looks as if it should have been run.
func notCommands(b block) error {
	for i, line := range b.lines {
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "./"), " ")
		if slices.Contains([]string{"jetreduce", "nats", "curl", "go"}, first) {
			return fmt.Errorf("line %d, %q, is in a block that is not run: call it ```sh", b.first+i, line)
		}
	}
	return nil
}

func TestDocumentsAreReadAsTheyAreMeant(t *testing.T) {
	text := "# Title\n```sh\n# what follows\na 'b  c'  | d # prints 3\ne \\\n  --f\n\ng &   # a daemon\n```\n" +
		"```text\nfrom g\n```\n```\n$ h i\nx\n\ny\n$ j\n```\n```go\n// k.go\npackage k\n```\n```\npicture\n```\n"
	got, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	want := []example{
		{line: 4, command: "a 'b  c'  | d", prints: "3\n", shown: true},
		{line: 5, command: "e --f"},
		{line: 8, command: "g &", prints: "from g\n", shown: true},
		{line: 14, command: "h i", prints: "x\n\ny\n", shown: true},
		{line: 18, command: "j"},
	}
	for i := range got.examples {
		if !got.examples[i].shown {
			got.examples[i].prints = ""
		}
	}
	if diff := cmp.Diff(want, got.examples, cmp.AllowUnexported(example{})); diff != "" {
		t.Error(diff)
	}
	if got.files["k.go"] != "// k.go\npackage k\n" || len(got.files) != 1 {
		t.Errorf("files: %q", got.files)
	}
}

func TestCommandsInABlockThatIsNotRunAreRefused(t *testing.T) {
	for _, text := range []string{"```\njetreduce run count a\n```", "```console\n./jetreduce jobs\n```"} {
		if _, err := parse(text); err == nil {
			t.Errorf("%q was taken for no command", text)
		}
	}
}

// read reads a document of the project.
func read(t *testing.T, name string) document {
	t.Helper()
	text, err := os.ReadFile("../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	d, err := parse(string(text))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return d
}
