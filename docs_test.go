package jetreduce_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What the documents call proven must be: each test that they name exists.
func TestDocumentsNameTestsThatExist(t *testing.T) {
	var tests strings.Builder
	for _, file := range goFiles(t) {
		if strings.HasSuffix(file, "_test.go") {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tests.Write(text)
		}
	}
	documents, err := filepath.Glob("docs/*.md")
	if err != nil || len(documents) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	name := regexp.MustCompile("`(Test[A-Za-z]+|Fuzz[A-Za-z]+)`")
	for _, document := range documents {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range name.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(tests.String(), "func "+match[1]+"(") {
				t.Errorf("%s names %s: there is no such test", document, match[1])
			}
		}
	}
}
