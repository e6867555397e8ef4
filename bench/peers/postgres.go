package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresFolders is where Debian puts the servers: its packages leave them out of PATH.
const postgresFolders = "/usr/lib/postgresql/*/bin"

// postgresAt is how to connect, but for the port and the password.
const postgresAt = "host=127.0.0.1 port=%d user=peers password=%s dbname=postgres pool_max_conns=16"

// findPostgres is the folder with the newest PostgreSQL that can make a cluster; not there: os.ErrNotExist.
func findPostgres(pattern string) (string, error) {
	folders, err := filepath.Glob(pattern)
	if err != nil {
		return "", err
	}
	newest, folder := -1.0, ""
	for _, candidate := range folders {
		version, err := strconv.ParseFloat(filepath.Base(filepath.Dir(candidate)), 64)
		if err == nil && version > newest && runnable(candidate, "initdb", "postgres") {
			newest, folder = version, candidate
		}
	}
	if folder == "" {
		return "", fmt.Errorf("initdb and postgres in %s: %w", pattern, os.ErrNotExist)
	}
	return folder, nil
}

func runnable(folder string, programs ...string) bool {
	for _, program := range programs {
		info, err := os.Stat(filepath.Join(folder, program))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}

// cluster is what initdb made in dir/data, with the default settings and one superuser, peers.
type cluster struct {
	bin, dir, password string
	account            *syscall.Credential
}

// newCluster does not sync the files that it makes: what runs in them later is synced.
func newCluster(ctx context.Context, dir string) (cluster, error) {
	bin, err := findPostgres(postgresFolders)
	if err != nil {
		return cluster{}, err
	}
	account, err := unprivileged("postgres")
	if err != nil {
		return cluster{}, err
	}
	c := cluster{bin: bin, dir: dir, password: rand.Text(), account: account}
	file := filepath.Join(dir, "password")
	if err := errors.Join(give(dir, account), secret(file, c.password, account)); err != nil {
		return cluster{}, err
	}
	args := []string{filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "peers", "--pwfile", file}
	args = append(args, "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync")
	return c, launch{args: args, dir: dir, as: account, quit: syscall.SIGINT}.run(ctx)
}

// start returns a pool of connections to the server, which the caller closes before it stops the server.
func (c cluster) start(ctx context.Context) (*pgxpool.Pool, *process, error) {
	port, err := freePort()
	if err != nil {
		return nil, nil, err
	}
	db, err := pgxpool.New(ctx, fmt.Sprintf(postgresAt, port, c.password))
	if err != nil {
		return nil, nil, err
	}
	args := []string{filepath.Join(c.bin, "postgres"), "-D", filepath.Join(c.dir, "data"), "-p", strconv.Itoa(port)}
	args = append(args, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
	server, err := launch{args: args, dir: c.dir, as: c.account, quit: syscall.SIGINT, ready: db.Ping}.start(ctx)
	if err != nil {
		db.Close()
	}
	return db, server, err
}
