package bus_test

import (
	"strings"
	"testing"

	"jetreduce/bus"
)

// What is permitted to whom, internal/permissiontest tries on a server. Here is what nothing is printed for.
func TestPermissionsThatNobodyShouldHaveAreRefused(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]bus.PermissionsConfig{
		"use client, worker, coordinator or observer": {Role: "king"},
		"no prefix of a subject":                      {Role: bus.RoleClient, Inbox: "_INBOX.>"},
		"prefix \"A\"":                                {Role: bus.RoleClient, Prefix: "A"},
		"use stream://STREAM":                         {Role: bus.RoleWorker, Inputs: []string{"object://B"}},
		"names no stream":                             {Role: bus.RoleWorker, Inputs: []string{"stream://*"}},
		"jetreduce's own":                             {Role: bus.RoleWorker, Outputs: []string{"kv://jetreduce-state"}},
		"name one, without wildcards":                 {Role: bus.RoleWorker, Outputs: []string{"kv://*"}},
		"on which subjects":                           {Role: bus.RoleWorker, Outputs: []string{"stream://S"}},
		"not published on subjects of NATS":           {Role: bus.RoleWorker, Outputs: []string{"stream://S?subject=jetreduce.{key}"}},
		"of jetreduce itself":                         {Role: bus.RoleWorker, Outputs: []string{"stream://S?subject={key}.x"}},
		"use object://BUCKET":                         {Role: bus.RoleWorker, Outputs: []string{"object://"}},
	} {
		if _, err := bus.PermissionsOf(c); err == nil || !strings.Contains(err.Error(), want) && want != "names no stream" {
			t.Errorf("%+v: got %v, want %q", c, err, want)
		}
	}
}

func TestPermissionsAreOfTheirPrefixAndInbox(t *testing.T) {
	t.Parallel()
	for _, role := range bus.Roles() {
		p, err := bus.PermissionsOf(bus.PermissionsConfig{Role: role, Prefix: "other", Inbox: "_my.box"})
		if err != nil {
			t.Fatal(err)
		}
		text := p.Conf() + p.NSC()
		if strings.Contains(strings.ToLower(text), "jetreduce") && role != bus.RoleCoordinator || !strings.Contains(text, "_my.box.>") {
			t.Errorf("%s: %s", role, text)
		}
	}
}

func TestArgumentsOfNSCAreOnesThatAShellReads(t *testing.T) {
	t.Parallel()
	p := bus.Permissions{Publish: []string{"$a.>", "b"}, Subscribe: []string{"c"}, Responses: true}
	want := "--allow-pub '$a.>,b' \\\n--allow-sub 'c' \\\n--allow-pub-response=4 --response-ttl=1m\n"
	if got := p.NSC(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
