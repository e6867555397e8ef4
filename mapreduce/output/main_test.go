package output

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// reference is a text or histogram of the original course work. They stand beside the repository, not in it: without
// them a test is skipped, except where CI has the folder and a file of it is missing.
func reference(tb testing.TB, name string) []byte {
	tb.Helper()
	shared := filepath.Join("..", "..", "..", "shared")
	content, err := os.ReadFile(filepath.Join(shared, "data", name))
	if err == nil {
		return content
	}
	if _, missing := os.Stat(shared); missing == nil && os.Getenv("CI") != "" {
		tb.Fatalf("read reference text: %v", err)
	}
	tb.Skipf("no reference text: %v", err)
	return nil
}
