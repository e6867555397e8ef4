package mapreduce_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// reference is the path of a text or histogram of the original course work. They stand beside the repository, not in it:
// without them a test is skipped, except where CI has the folder and a file of it is missing.
func reference(t *testing.T, name string) string {
	t.Helper()
	shared := filepath.Join("..", "..", "shared")
	path := filepath.Join(shared, "data", name)
	_, err := os.Stat(path)
	if err == nil {
		return path
	}
	if _, missing := os.Stat(shared); missing == nil && os.Getenv("CI") != "" {
		t.Fatalf("read reference text: %v", err)
	}
	t.Skipf("no reference text: %v", err)
	return ""
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
