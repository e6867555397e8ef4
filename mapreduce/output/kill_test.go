package output

import (
	"os"
	"os/exec"
	"testing"
)

// A process that is killed in the middle of its output leaves nothing where files need no name.
func TestKilledProcessLeavesNothing(t *testing.T) {
	const inChild = "JETREDUCE_TEST_DRAFT_IN"
	if dir := os.Getenv(inChild); dir != "" {
		fill(t, begin(t, target(dir), openUnnamed), "half of the rows")
		self, err := os.FindProcess(os.Getpid())
		must(t, err)
		must(t, self.Kill())
		select {} // until the signal is here
	}
	dir := t.TempDir()
	if file, err := openUnnamed(dir); err != nil {
		t.Skipf("no files without a name here: %v", err)
	} else {
		file.Close()
	}
	child := exec.Command(os.Args[0], "-test.run=^TestKilledProcessLeavesNothing$")
	child.Env = append(os.Environ(), inChild+"="+dir)
	output, err := child.CombinedOutput()
	if err == nil || child.ProcessState.Exited() {
		t.Fatalf("the child was not killed: %v\n%s", err, output)
	}
	wantNames(t, dir)
}
