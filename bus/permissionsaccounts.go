package bus

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A role in an account of its own needs of the account of jetreduce just what it may publish there and hear from there:
//
//	account of the role                       account of jetreduce
//	publishes ─────── imports a service ─────▶ what it may publish on
//	          ◀─ at a subject that the server has made up ─ the answer: it goes to the account that has asked, and nowhere else
//	listens   ◀────── imports a stream ──────  what it may listen to
//
// Within one account a server answers at whatever subject a request names, also where who asked may not publish.

// Import is a subject that an account takes from that of jetreduce.
type Import struct {
	Subject string
	Stream  bool // it is listened to; else published on
	Many    bool // one request may have many answers
}

// ImportsOf are those of an account of its own for a role.
func ImportsOf(c PermissionsConfig) ([]Import, error) {
	if err := c.checkApart(); err != nil {
		return nil, err
	}
	p, err := PermissionsOf(c)
	if err != nil {
		return nil, err
	}
	inbox := cmp.Or(c.Inbox, Inbox(c.Prefix, c.Role)) + ".>"
	var imports []Import
	for _, subject := range distinct(p.Publish) {
		if !slices.Contains(p.Subscribe, subject) { // else both ends stand in the role's account
			imports = append(imports, Import{Subject: subject, Many: hasMany(subject)})
		}
	}
	for _, subject := range p.Subscribe {
		if subject != inbox && !slices.Contains(p.Publish, subject) {
			imports = append(imports, Import{Subject: subject, Stream: true})
		}
	}
	return imports, checkImports(imports)
}

// checkApart refuses what an account of its own could not hold, or would be of no use with.
func (c PermissionsConfig) checkApart() error {
	switch {
	case c.Role == RoleCoordinator:
		return fmt.Errorf("a coordinator makes streams and consumers: its user stands in the account that has them, " +
			"and observer, client and worker import from there")
	case len(c.Inputs) > 0:
		return fmt.Errorf("--input permits to make consumers, and a server delivers wherever a consumer says, in the account of the stream: " +
			"leave it out, and workers read all streams by gets")
	}
	return nil
}

// hasMany reports whether the server may give many answers to one such request.
func hasMany(subject string) bool {
	return strings.HasPrefix(subject, "$JS.API.CONSUMER.MSG.NEXT.") || strings.HasPrefix(subject, "$JS.API.DIRECT.GET.")
}

// checkImports refuses two by which one message would be published twice.
func checkImports(imports []Import) error {
	for i, one := range imports {
		for _, other := range imports[i+1:] {
			if !one.Stream && !other.Stream && overlap(one.Subject, other.Subject) {
				return fmt.Errorf("%s and %s overlap: what is published would come twice to an account that imports both; "+
					"use an account for each", one.Subject, other.Subject)
			}
		}
	}
	return nil
}

// ExportsOf are what an account of jetreduce exports, so that those of these roles can import what they need: nothing else.
func ExportsOf(configs ...PermissionsConfig) ([]Import, error) {
	var exports []Import
	for _, c := range configs {
		imports, err := ImportsOf(c)
		if err != nil {
			return nil, err
		}
		exports = append(exports, imports...)
	}
	slices.SortFunc(exports, func(a, b Import) int {
		return cmp.Or(cmp.Compare(kindOf(a), kindOf(b)), cmp.Compare(a.Subject, b.Subject))
	})
	exports = slices.Compact(exports)
	return slices.DeleteFunc(slices.Clone(exports), func(one Import) bool { // an operator's account may not export a part twice
		return slices.ContainsFunc(exports, func(other Import) bool {
			return one != other && one.Stream == other.Stream && one.Many == other.Many && covers(other.Subject, one.Subject)
		})
	}), nil
}

// kindOf is what a server calls it.
func kindOf(i Import) string {
	if i.Stream {
		return "stream"
	}
	return "service"
}

// ImportsConf is imports as a part of an account's block in the configuration of a nats-server.
func ImportsConf(imports []Import, from string) string {
	return accountConf("imports", imports, func(i Import) string {
		return fmt.Sprintf("{ %s: { account: %q, subject: %q } }", kindOf(i), from, i.Subject)
	})
}

// ExportsConf is exports as a part of the block of the account of jetreduce.
func ExportsConf(exports []Import) string {
	return accountConf("exports", exports, func(i Import) string {
		if i.Many {
			return fmt.Sprintf("{ %s: %q, response_type: stream }", kindOf(i), i.Subject)
		}
		return fmt.Sprintf("{ %s: %q }", kindOf(i), i.Subject)
	})
}

func accountConf(name string, imports []Import, line func(Import) string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: [\n", name)
	for _, i := range imports {
		fmt.Fprintf(&text, "  %s\n", line(i))
	}
	text.WriteString("]\n")
	return text.String()
}
