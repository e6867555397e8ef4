package bus

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Servers are the addresses in a text that has commas between them, in the form that the client gives them.
func Servers(urls string) (servers []string) {
	for _, each := range listed(urls) {
		if !strings.Contains(each, "://") {
			each = "nats://" + each
		}
		servers = append(servers, each)
	}
	return servers
}

// listed are the parts of a text that has commas between them.
func listed(text string) (parts []string) {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// errUnreadable: an address of which nobody can say where a password ends in it and a host begins.
var errUnreadable = errors.New("the address cannot be read")

// CheckURL refuses addresses of servers that cannot be read, and such as may have a sign in a password that ends it early: the rest
// would be taken for a host, tried, and named in messages. The error quotes nothing of them.
func CheckURL(urls string) error {
	servers := Servers(urls)
	if urls != "" && servers == nil {
		return unreadable()
	}
	for i, given := range listed(urls) {
		cut := i > 0 && given != servers[i] && strings.Contains(given, "@") // by a comma in a password
		if cut || mixed(servers[i]) {
			return unreadable()
		}
	}
	return nil
}

func unreadable() refusal {
	return refusal{errUnreadable.Error(), "write it as nats://HOST:PORT, each of several with its own nats://; " +
		"in a password / # ? , % are %2F %23 %3F %2C %25", errUnreadable}
}

// mixed reports whether an address is none of a nats-server, or its login may go on behind what looks like a host.
func mixed(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
		return true
	}
	_, err = strconv.ParseUint(cmp.Or(u.Port(), "0"), 10, 16)
	path := strings.TrimPrefix(u.Path, "/") + u.RawQuery + u.Fragment
	if err != nil || path != "" && !strings.HasPrefix(u.Scheme, "ws") {
		return true
	}
	_, rest, _ := strings.Cut(address, "://")
	end := strings.IndexAny(rest, "/?#")
	return end >= 0 && strings.Contains(rest[end:], "@")
}

// Address is what messages call the server: without the passwords that URLs may hold.
func (c ConnectConfig) Address() string {
	if CheckURL(c.URL) != nil {
		return "the address given"
	}
	var hosts []string
	for _, each := range Servers(c.URL) {
		if u, err := url.Parse(each); err == nil {
			hosts = append(hosts, u.Host)
		}
	}
	if hosts == nil {
		return DefaultAddr // as the client has it
	}
	return strings.Join(hosts, ", ")
}
