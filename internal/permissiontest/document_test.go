package permissiontest_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"jetreduce/bus"
	"jetreduce/coordinator"
)

// What docs/security.md has to be pasted runs a job, and denies nothing that it needs.
func TestWhatTheDocumentHasToBePastedHolds(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, first := range []string{"authorization {", "accounts {"} {
		t.Run(first, func(t *testing.T) {
			t.Parallel()
			ctx := deadline(t)
			s := &stage{t: t}
			s.server = s.serve(pasted(t, string(text), first))
			s.system(ctx, coordinator.Config{})
			w := &world{stage: s}
			w.led(ctx)
			job := words(carried(ctx, t, s.bus("client"))...)
			job.Output.To = "kv://words"
			if _, err := run(ctx, s.bus("client"), job); err != nil {
				t.Error(err)
			}
			if _, err := s.bus("observer").Desk().List(ctx); err != nil {
				t.Error(err)
			}
			s.quiet()
		})
	}
}

// pasted is a configuration with the block of a document that begins so, beside the files that its commands make. Each password is the
// name of its user.
func pasted(t *testing.T, text, first string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, "\n```\n"+first)
	block, _, _ := strings.Cut(rest, "\n```\n")
	if !found {
		t.Fatalf("the document has no block that begins with %q", first)
	}
	path := written(t, fmt.Sprintf("listen: 127.0.0.1:-1\njetstream { store_dir: %q }\n"+
		"C: coordinator\nW: worker\nU: client\nO: observer\n%s%s\n", t.TempDir(), first, block))
	for line := range strings.Lines(text) {
		if command, file, is := strings.Cut(strings.TrimSpace(line), " > "); is && strings.HasPrefix(command, "jetreduce permissions ") {
			file, _, _ = strings.Cut(file, " ")
			said := printed(t, strings.Fields(command)[2:])
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), file), []byte(said), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return path
}

// printed is what the command prints for these words: roles, then flags, as far as the document uses them.
func printed(t *testing.T, said []string) string {
	t.Helper()
	flags := flag.NewFlagSet("permissions", flag.ContinueOnError)
	results, exports := flags.Bool("results", false, ""), flags.Bool("exports", false, "")
	output, from := flags.String("output", "", ""), flags.String("imports-from", "", "")
	first := slices.IndexFunc(append(said, "--"), func(word string) bool { return strings.HasPrefix(word, "--") })
	if err := flags.Parse(said[first:]); err != nil {
		t.Fatal(err)
	}
	var roles []bus.PermissionsConfig
	for _, role := range said[:first] {
		c := bus.PermissionsConfig{Role: bus.Role(role), Results: *results}
		if *output != "" {
			c.Outputs = []string{*output}
		}
		roles = append(roles, c)
	}
	return conf(t, roles, *from, *exports)
}

func conf(t *testing.T, roles []bus.PermissionsConfig, from string, exports bool) string {
	t.Helper()
	if exports {
		all, err := bus.ExportsOf(roles...)
		return checked(t, bus.ExportsConf(all), err)
	}
	if from != "" {
		all, err := bus.ImportsOf(roles[0])
		return checked(t, bus.ImportsConf(all, from), err)
	}
	p, err := bus.PermissionsOf(roles[0])
	return checked(t, p.Conf(), err)
}

func checked(t *testing.T, text string, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return text
}
