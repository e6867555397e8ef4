package programs_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"jetreduce/mapreduce/programs"
)

// rule is what the original does, in its own language. It speaks bytes, so that nothing is lost on the way.
const rule = `
import sys, unicodedata
unwanted = str.maketrans("", "", "0123456789!\"#$%&'()*+,-./:;<=>?@[\\]^_` + "`" + `{|}~«»")
def words(text):
    return " ".join(text.lower().translate(unwanted).split())
out = open(1, "w", encoding="utf-8", errors="surrogateescape", newline="", buffering=1 << 20)
`

// python runs the rule and more. Not to have Python is no error.
func python(t *testing.T, script string, input []byte) []byte {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here")
	}
	command := exec.Command(path, "-c", rule+script)
	command.Stdin = bytes.NewReader(input)
	var complaint strings.Builder
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil {
		t.Fatalf("run python3: %v\n%s", err, complaint.String())
	}
	return output
}

// around is texts around one code point: alone, inside a word, and in each relation to a sigma. A word stands between
// them, so that none can make up for another.
const around = "c\nxx\nacb\nxx\naΣc\nxx\ncΣ\nxx\nΣca\nxx\nacΣ\nxx\naΣca\nxx\ncaΣc"

// Code points that either side's Unicode does not know yet are left out.
func TestEveryCodePointCountsAsInPython(t *testing.T) {
	answer := python(t, `
around = sys.stdin.read()
for n in range(0x110000):
    c = chr(n)
    if unicodedata.category(c) not in ("Cn", "Cs"):
        out.write("%x\t%s\n" % (n, words(around.replace("c", c))))
out.flush()
`, []byte(around))
	var scanner programs.Words
	var got []byte
	checked, wrong := 0, 0
	for line := range strings.Lines(string(answer)) {
		number, want, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		n, err := strconv.ParseInt(number, 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		if unicode.Is(unicode.Cn, rune(n)) {
			continue
		}
		checked++
		scanner.Reset([]byte(strings.ReplaceAll(around, "c", string(rune(n)))))
		got = got[:0]
		for word := scanner.Next(); word != nil; word = scanner.Next() {
			got = append(append(got, word...), ' ')
		}
		if string(bytes.TrimSuffix(got, []byte(" "))) != want {
			t.Errorf("words around %U: got %+q, Python %+q", n, got, want)
			if wrong++; wrong == 20 {
				t.Fatal("and more")
			}
		}
	}
	if checked < 250_000 {
		t.Errorf("checked %d code points only", checked)
	}
}

func TestNastyTextsCountAsInPython(t *testing.T) {
	var ask bytes.Buffer
	texts := make([][]byte, 3000)
	for seed := range texts {
		texts[seed] = nasty().Example(seed)
		fmt.Fprintln(&ask, hex.EncodeToString(texts[seed]))
	}
	answer := python(t, `
for line in sys.stdin:
    out.write(words(bytes.fromhex(line).decode("utf-8", "surrogateescape")) + "\n")
out.flush()
`, ask.Bytes())
	lines := strings.Split(strings.TrimSuffix(string(answer), "\n"), "\n")
	if len(lines) != len(texts) {
		t.Fatalf("%d answers to %d texts", len(lines), len(texts))
	}
	for i, text := range texts {
		if got := strings.Join(words(text), " "); got != lines[i] {
			t.Errorf("words of %q: got %q, Python %q", text, got, lines[i])
		}
	}
}
