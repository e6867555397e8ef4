package cli

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// here is what the first process of a container was told: an image says how its health is looked at before anybody knows which daemon
// it will run, and with which flags.
type here struct {
	daemon string            // "": it is none
	flags  map[string]string // by name, those with a value
}

// firstProcess reads the command line of process 1.
func firstProcess() here {
	text, _ := os.ReadFile("/proc/1/cmdline") // no such thing but on Linux
	return readHere(strings.Split(strings.TrimRight(string(text), "\x00"), "\x00"))
}

// readHere reads a command line. A flag that has no value takes the next word for its own, which is no harm: nobody asks for it.
func readHere(args []string) here {
	h := here{flags: map[string]string{}}
	if len(args) < 2 || !slices.Contains(healthKinds(), args[1]) {
		return h
	}
	h.daemon = args[1]
	for i := 2; i < len(args); i++ {
		name, value, has := strings.Cut(strings.TrimPrefix(args[i], "--"), "=")
		if !strings.HasPrefix(args[i], "--") {
			continue
		}
		if name == firstFlag && !has {
			value, has = "true", true
		}
		if !has && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
			value, has = args[i+1], true
		}
		if has {
			h.flags[name] = value
		}
	}
	return h
}

// adopt takes over the flags by which the daemon reaches the bus, but for those that were typed. A bus is reached where it listens.
func (h here) adopt(cmd *cobra.Command) error {
	for _, name := range serverFlagNames() {
		value, has := h.flags[name]
		if h.daemon == busDaemon && name == "server" {
			value, has = whereBus(h.flags["addr"]), h.flags["addr"] != ""
		}
		if !has || cmd.Flags().Changed(name) || h.daemon == busDaemon && name != "server" {
			continue
		}
		if err := cmd.Flags().Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

// whereBus is how a bus that listens at an address is reached from its own machine.
func whereBus(addr string) string {
	for _, everywhere := range []string{"0.0.0.0:", "[::]:", ":"} {
		if port, is := strings.CutPrefix(addr, everywhere); is {
			return "nats://127.0.0.1:" + port
		}
	}
	return "nats://" + addr
}
