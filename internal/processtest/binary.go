package processtest

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// Binary is another binary than the test's: a build of its own, with the programs that it has.
type Binary struct{ path string }

// Build builds the binary whose source is a directory of the module. Without a compiler the test is skipped.
func Build(t testing.TB, dir string) Binary {
	t.Helper()
	compiler, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command here to build a binary with")
	}
	b := Binary{filepath.Join(t.TempDir(), filepath.Base(dir))}
	if said, err := exec.Command(compiler, "build", "-o", b.path, "./"+dir).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", dir, err, said)
	}
	return b
}

// Run starts `BINARY ARG...`, with the bus of this machine as its server.
func (m *Machine) Run(b Binary, kind string, args ...string) *Process {
	m.t.Helper()
	return m.launch(b, kind, m.server(), args)
}

// RunAlone starts `BINARY ARG...`, with no server named.
func (m *Machine) RunAlone(b Binary, kind string, args ...string) *Process {
	m.t.Helper()
	return m.launch(b, kind, nil, args)
}

func (m *Machine) launch(b Binary, kind string, env, args []string) *Process {
	m.t.Helper()
	cmd, err := m.home.Command(env, args...)
	if err != nil {
		m.t.Fatal(err)
	}
	cmd.Path, cmd.Args[0] = b.path, b.path
	p := &Process{machine: m}
	if p.Child, err = StartChild(kind, cmd, func(line []byte) { m.hear(p, line) }); err != nil {
		m.t.Fatal(err)
	}
	m.processes = append(m.processes, p)
	return p
}
