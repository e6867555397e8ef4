package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// need is a server that a peer runs on, and the Debian package that brings it.
type need struct {
	peer, debian string
	find         func() error // nil when it is there
}

// needs is all of them; JetStream comes with this program.
func needs() []need {
	return []need{
		{"asynq", "redis-server", func() error { _, err := exec.LookPath("redis-server"); return err }},
		{"river", "postgresql", func() error { _, err := findPostgres(postgresFolders); return err }},
	}
}

// missing is the Debian packages that the peers need and that are not here.
func missing(peers []string) []string {
	var packages []string
	for _, n := range needs() {
		if slices.Contains(peers, n.peer) && n.find() != nil {
			packages = append(packages, n.debian)
		}
	}
	return packages
}

// provide installs what the peers need where it can: as root, with apt-get. Otherwise its error says what to install.
func provide(ctx context.Context, peers []string, progress io.Writer) error {
	packages := missing(peers)
	if len(packages) == 0 {
		return nil
	}
	install := append([]string{"apt-get", "install", "-y", "-q"}, packages...)
	advice := fmt.Errorf("%s: install with: %s", strings.Join(packages, " and "), strings.Join(install, " "))
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return fmt.Errorf("missing %w (as root)", advice)
	}
	for _, args := range [][]string{{"apt-get", "update", "-q"}, install} {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = progress, progress
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(args, " "), err)
		}
	}
	if len(missing(peers)) > 0 {
		return errors.Join(errors.New("installed, and still not found"), advice)
	}
	return nil
}
