package cli

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"jetreduce/bus"
)

// adoptBus has a bus asked where it listens, and trusts the certificate that it shows. What variables say wins, since the bus itself reads
// none of them: they can only be meant for this.
func (h here) adoptBus(ctx context.Context, cmd *cobra.Command) error {
	told := func(flag, variable string) bool { return cmd.Flags().Changed(flag) || os.Getenv(variable) != "" }
	if told("context", "NATS_CONTEXT") {
		return nil
	}
	listens, cert := h.listens(), h.flags["tlscert"]
	if !told("tlsca", "NATS_CA") && cert != "" {
		if err := cmd.Flags().Set("tlsca", cert); err != nil {
			return err
		}
	}
	if listens == "" || told("server", "NATS_URL") {
		return nil
	}
	return cmd.Flags().Set("server", asVouched(ctx, whereBus(listens), cert))
}

// listens is the address that the bus has written into its store; until it has, that of its command line. "": neither says.
func (h here) listens() string {
	store := storeFlag{dir: h.flags["store"]}
	if dir, err := store.path(); err == nil {
		if url, err := bus.BusAddress(dir); err == nil {
			return url
		}
	}
	return h.flags["addr"]
}

// whereBus is how a bus that listens at an address is reached from its own machine.
func whereBus(listens string) string {
	if !strings.Contains(listens, "://") {
		listens = "nats://" + listens
	}
	u, err := url.Parse(listens)
	if err != nil {
		return listens
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() == "" || ip != nil && ip.IsUnspecified() {
		u.Host = net.JoinHostPort("127.0.0.1", u.Port())
	}
	return u.String()
}

// asVouched is a URL of this machine with a name that a certificate vouches for: that of a bus is rarely made out to 127.0.0.1. A name
// counts only if it leads to this machine. Without any, the URL stays, and connecting says what the certificate is for.
func asVouched(ctx context.Context, address, certFile string) string {
	cert := certificateIn(certFile)
	u, err := url.Parse(address)
	if cert == nil || err != nil || cert.VerifyHostname(u.Hostname()) == nil {
		return address
	}
	for _, name := range append([]string{"localhost", hostName()}, cert.DNSNames...) {
		if cert.VerifyHostname(name) == nil && leadsHere(ctx, name) {
			u.Host = net.JoinHostPort(name, cmp.Or(u.Port(), "4222"))
			return u.String()
		}
	}
	return address
}

// certificateIn is the first certificate in a file, or nil.
func certificateIn(file string) *x509.Certificate {
	text, _ := os.ReadFile(file) // who uses it says what is wrong with it
	block, _ := pem.Decode(text)
	if block == nil {
		return nil
	}
	cert, _ := x509.ParseCertificate(block.Bytes)
	return cert
}

// leadsHere reports whether a name stands for an address of this machine.
func leadsHere(ctx context.Context, name string) bool {
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, name)
	own, _ := net.InterfaceAddrs()
	return err == nil && len(ips) > 0 && !slices.ContainsFunc(ips, func(ip net.IPAddr) bool {
		return !ip.IP.IsLoopback() && !slices.ContainsFunc(own, func(a net.Addr) bool {
			in, is := a.(*net.IPNet)
			return is && in.IP.Equal(ip.IP)
		})
	})
}
