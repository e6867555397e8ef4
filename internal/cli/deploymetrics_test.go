package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// An alert on a metric that nobody says never comes, and a scaler that reads one never scales.
func TestMetricsThatAreNamedAreSaid(t *testing.T) {
	t.Parallel()
	name, named := regexp.MustCompile(`\bjetreduce_[a-z_]+\b`), 0
	for _, pattern := range []string{"../../README.md", "../../docs/*.md", manifests + "/*/*"} {
		files, _ := filepath.Glob(pattern) // the patterns are good
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, metric := range name.FindAllString(string(text), -1) {
				named++
				checkSays(t, "../../web/metrics.go", `"`+metric+`"`)
			}
		}
	}
	if named < 20 {
		t.Errorf("%d metrics are named in all", named)
	}
}
