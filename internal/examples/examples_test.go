package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"jetreduce/bus/bustest"
)

// What the documents show must work as it is typed there.
func TestExamplesOfTheDocumentsWork(t *testing.T) {
	for _, page := range pages() {
		t.Run(filepath.Base(page.name), func(t *testing.T) {
			t.Parallel()
			d := read(t, page.name)
			if len(d.examples) == 0 {
				t.Fatalf("%s has no examples", page.name)
			}
			page.isUsed(t, d)
			if _, err := exec.LookPath(page.needs); page.needs != "" && err != nil {
				t.Skipf("there is no %s on this machine", page.needs)
			}
			p := newPlace(t)
			page.prepare(t, p, d)
			for _, e := range d.examples {
				if _, omitted := page.omitted[e.command]; !omitted {
					page.try(t, p, e)
				}
			}
			page.awaitResult(t, p)
		})
	}
}

// isUsed requires that the document has a use for each row of its table.
func (page page) isUsed(t *testing.T, d document) {
	t.Helper()
	var all []string
	for _, e := range d.examples {
		all = append(all, e.command, e.prints)
	}
	text := strings.Join(all, "\n") + "\n"
	for command := range page.omitted {
		if !strings.Contains(text, command+"\n") {
			t.Errorf("%s has no command %q: it need not be left out", page.name, command)
		}
	}
	for _, s := range page.instead {
		if !strings.Contains(text, s.typed) {
			t.Errorf("%s has no %q: it need not be written otherwise", page.name, s.typed)
		}
	}
}

// prepare makes what the document takes for granted.
func (page page) prepare(t *testing.T, p *place, d document) {
	t.Helper()
	archive := fixture(t, page.name)
	for name, text := range d.files {
		archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(text)})
	}
	writeFiles(t, p.dir, archive)
	if page.identities {
		if _, err := bustest.WriteIdentities(p.dir); err != nil {
			t.Fatal(err)
		}
	}
	if page.cluster {
		p.start(t, "jetreduce bus --addr "+p.addr)
		p.start(t, "jetreduce coordinator --server nats://"+p.addr)
		p.start(t, "jetreduce worker --allow-exec --server nats://"+p.addr)
		fill(t, "nats://"+p.addr, archive)
	}
}

// here is text of the document as it is at this place.
func (page page) here(p *place, text string) string {
	for _, s := range page.instead {
		text = strings.ReplaceAll(text, s.typed, s.run)
	}
	return strings.NewReplacer(
		"{ADDR}", p.addr, "{PORT}", p.port, "{DIR}", p.dir, "{PROJECT}", p.project, "{WEB}", p.web,
	).Replace(text)
}

// try runs an example, or starts it when it ends with &.
func (page page) try(t *testing.T, p *place, e example) {
	t.Helper()
	command := page.here(p, e.command)
	if tool := missing(command); tool != "" {
		t.Logf("%s:%d: %s: left out, there is no %s on this machine", page.name, e.line, e.command, tool)
		return
	}
	if daemons, are := strings.CutSuffix(command, "&"); are {
		for daemon := range strings.SplitSeq(daemons, " & ") {
			p.start(t, daemon)
		}
		return
	}
	got, err := p.run(t.Context(), command)
	if err != nil {
		t.Errorf("%s:%d: %s: %v", page.name, e.line, e.command, err)
		return
	}
	t.Logf("%s:%d: %s\n%.400s", page.name, e.line, e.command, got)
	if want := page.here(p, e.prints); e.shown && strings.TrimSuffix(got, "\n") != strings.TrimSuffix(want, "\n") {
		t.Errorf("%s:%d: %s\nprints\n%s\nthe document has\n%s", page.name, e.line, e.command, got, want)
	}
	if result := !strings.Contains(command, " -o "); result && got == "" && strings.Contains(command, "jetreduce run") {
		t.Errorf("%s:%d: %s prints nothing: it shows nothing, or its fixture is not to the point", page.name, e.line, e.command)
	}
}

// awaitResult waits until the daemons that make the result have ended, with 0, and looks whether it is there.
func (page page) awaitResult(t *testing.T, p *place) {
	t.Helper()
	if page.result == "" {
		return
	}
	limit := time.After(patience)
	for _, daemon := range p.daemons {
		if !strings.Contains(daemon.String(), "-o "+page.result) {
			continue
		}
		select {
		case <-daemon.Over():
			if !daemon.Ending().Success() {
				t.Errorf("%s: %v", daemon, daemon.Ending())
			}
		case <-limit:
			t.Fatalf("%s does not end", daemon)
		}
	}
	if content, err := os.ReadFile(filepath.Join(p.dir, page.result)); err != nil || len(content) == 0 {
		t.Errorf("%s: %q, %v", page.result, content, err)
	}
}

// missing is a tool that the command needs and that is not there, or "".
func missing(command string) string {
	for _, tool := range optional() {
		_, err := exec.LookPath(tool)
		if err != nil && needs(tool).MatchString(command) {
			return tool
		}
	}
	return ""
}

// needs tells a command from other words: it begins something.
func needs(tool string) *regexp.Regexp {
	if tool == "python3" {
		return regexp.MustCompile(`python3 |\.py\b`)
	}
	return regexp.MustCompile(`(^|[|;&'"(] *)` + tool + ` `)
}
