package cli

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// here is what a process of this container was told: an image says how its health is looked at before anybody knows which daemon it will
// run, and with which flags.
type here struct {
	ours   bool              // it is jetreduce, daemon or not
	daemon string            // "": it is none
	flags  map[string]string // by name, those with a value
}

// readHere reads a command line. A flag that has no value takes the next word for its own, which is no harm: nobody asks for it.
func readHere(args []string) here {
	h := here{flags: map[string]string{}}
	own := ownWord(args)
	if h.ours = own >= 0; !h.ours {
		return h
	}
	args = args[own:]
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

// ownWord is the word by which our program was called, or -1. What is before it is of an init process, which may name users and files of
// our name too: `tini -- gosu jetreduce jetreduce worker`.
func ownWord(args []string) int {
	for i, word := range args {
		daemon := i+1 < len(args) && slices.Contains(healthKinds(), args[i+1])
		if ourName(word) && (i == 0 || daemon || args[i-1] == "--") {
			return i
		}
	}
	return -1
}

// ourName reports whether a word of a command line is our program. The text of a shell's script, which has spaces, is not, however it ends.
func ourName(word string) bool {
	own, _ := os.Executable() // it may have another name in somebody's image
	base := filepath.Base(word)
	return !strings.ContainsAny(word, " \n\t") && (base == "jetreduce" || base == filepath.Base(own))
}

// adopt takes over the flags by which the daemon reaches the bus, but for those that were typed. A bus is reached where it listens.
func (h here) adopt(ctx context.Context, cmd *cobra.Command) error {
	if h.daemon == busDaemon {
		return h.adoptBus(ctx, cmd)
	}
	for _, name := range serverFlagNames() {
		value, has := h.flags[name]
		if !has || cmd.Flags().Changed(name) {
			continue
		}
		if err := cmd.Flags().Set(name, value); err != nil {
			return err
		}
	}
	return nil
}
