package bus

import (
	"fmt"
	"strings"
)

// responses is how many answers to one request are allowed. A server counts each further subscription that the request was delivered to
// as an answer, and a leader has two.
const responses = 4

// Conf is the permissions as a part of a user's block in the configuration of a nats-server.
func (p Permissions) Conf() string {
	var text strings.Builder
	text.WriteString("permissions: {\n")
	for _, side := range []struct {
		verb  string
		allow []string
	}{{"publish", p.Publish}, {"subscribe", p.Subscribe}} {
		fmt.Fprintf(&text, "  %s: { allow: [\n", side.verb)
		for _, subject := range side.allow {
			fmt.Fprintf(&text, "    %q\n", subject)
		}
		text.WriteString("  ] }\n")
	}
	if p.Responses {
		fmt.Fprintf(&text, "  allow_responses: { max: %d, expires: %q }\n", responses, "1m")
	}
	text.WriteString("}\n")
	return text.String()
}

// NSC is the permissions as arguments of `nsc add user` or `nsc edit user`, quoted for a shell.
func (p Permissions) NSC() string {
	text := fmt.Sprintf("--allow-pub '%s' \\\n--allow-sub '%s'", strings.Join(p.Publish, ","), strings.Join(p.Subscribe, ","))
	if p.Responses {
		text += fmt.Sprintf(" \\\n--allow-pub-response=%d --response-ttl=1m", responses)
	}
	return text + "\n"
}
