package jetreduce_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rooms is who may import whom (docs/design.md): room → what of ours it may import, and whether NATS. A room stands for
// the packages below it too, unless they have a row of their own. Tests are exempt.
var rooms = map[string]struct {
	imports []string
	nats    bool
}{
	"mapreduce":               {},
	"mapreduce/input":         {imports: []string{"mapreduce"}},
	"mapreduce/input/web":     {imports: []string{"mapreduce"}},
	"mapreduce/shuffle":       {imports: []string{"mapreduce"}},
	"mapreduce/output":        {imports: []string{"mapreduce", "mapreduce/shuffle"}},
	"mapreduce/programs":      {imports: []string{"mapreduce"}},
	"mapreduce/mapreducetest": {imports: []string{"mapreduce", "mapreduce/shuffle"}},
	"client":                  {imports: []string{"mapreduce", "mapreduce/input", "mapreduce/output"}},
	"coordinator":             {imports: []string{"mapreduce"}},
	"coordinator/simulation":  {imports: []string{"mapreduce", "coordinator"}},
	"coordinator/scale":       {imports: []string{"mapreduce", "coordinator"}},
	"worker":                  {imports: []string{"mapreduce", "mapreduce/input", "mapreduce/shuffle", "mapreduce/output", "mapreduce/programs"}},
	"backup":                  {imports: []string{"mapreduce"}},
	"tcp":                     {imports: []string{"mapreduce"}},
	"web":                     {imports: []string{"mapreduce"}},
	"bus":                     {imports: []string{"mapreduce"}, nats: true},
	"bus/bare":                {nats: true},
	"bus/bustest":             {imports: []string{"mapreduce", "bus", "internal/proxy"}, nats: true},
	"internal":                {imports: all},
	"internal/proxy":          {},
	"internal/chaos":          {imports: append([]string{"internal/proxy", "internal"}, all...)},
	"internal/clustertest":    {imports: append([]string{"bus/bustest", "internal/proxy", "internal"}, all...)},
	".":                       {imports: []string{"mapreduce", "mapreduce/programs", "internal"}},
	"cmd":                     {imports: []string{"."}},
}

// all is what wiring may import.
var all = []string{
	"mapreduce", "mapreduce/input", "mapreduce/input/web", "mapreduce/shuffle", "mapreduce/output", "mapreduce/programs",
	"client", "coordinator", "coordinator/simulation", "worker", "backup", "tcp", "web", "bus", "bus/bare",
}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	for _, file := range goFiles(t) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		room := roomOf(path.Dir(filepath.ToSlash(file)))
		rule, known := rooms[room]
		if !known {
			t.Errorf("%s is in no room: give its folder a row in the table, or move it", file)
			continue
		}
		for _, imported := range imports(t, file) {
			switch {
			case strings.HasPrefix(imported, "github.com/nats-io/"):
				if !rule.nats {
					t.Errorf("%s imports %s: only bus knows NATS", file, imported)
				}
			case imported == "jetreduce" || strings.HasPrefix(imported, "jetreduce/"):
				to := roomOf(strings.TrimPrefix(strings.TrimPrefix(imported, "jetreduce"), "/"))
				if to != room && !slices.Contains(rule.imports, to) {
					t.Errorf("%s (room %s) imports %s: it may import %v", file, room, imported, rule.imports)
				}
			case room == "mapreduce" && strings.Contains(imported, "."):
				t.Errorf("%s imports %s: the vocabulary imports the standard library only", file, imported)
			}
		}
	}
}

// roomOf is the room that a folder belongs to: the row of the nearest folder above it.
func roomOf(dir string) string {
	for ; dir != "." && dir != ""; dir = path.Dir(dir) {
		if _, known := rooms[dir]; known {
			return dir
		}
		if dir == "mapreduce" || !strings.Contains(dir, "/") {
			return dir
		}
	}
	return "."
}

// goFiles is all of our own, tests among them.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir // as the go command does
		}
		if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil && name != "." {
			return filepath.SkipDir // a module of its own has rooms of its own
		}
		if strings.HasSuffix(name, ".go") {
			files = append(files, name)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	return files
}

func imports(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, spec := range parsed.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p)
	}
	return paths
}
