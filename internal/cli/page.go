package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"jetreduce/bus"
	"jetreduce/internal/roles"
	"jetreduce/web"
)

// pageFlags say where a coordinator serves its page, and to whom.
type pageFlags struct {
	addr      string
	token     string
	tokenFile string
	cert, key string

	page *roles.Page // nil: none is served
}

const tokenVariable = "JETREDUCE_HTTP_TOKEN"

func (f *pageFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.addr, "http", "",
		"`HOST:PORT` where the live page, /metrics, /healthz and /readyz are served; others than this machine need TLS")
	flags.StringVar(&f.tokenFile, "http-token-file", "", "whoever knows the token in `FILE` may cancel, retry and remove jobs on the page")
	flags.StringVar(&f.token, "http-token", "", "that `TOKEN` itself, or "+tokenVariable+"; others on this machine see what is typed")
	flags.StringVar(&f.cert, "http-tlscert", "", "certificate of the page, in `FILE`")
	flags.StringVar(&f.key, "http-tlskey", "", "key of that certificate, in `FILE`")
}

// check refuses what does not go together.
func (f *pageFlags) check(insecure bool) error {
	switch {
	case f.addr == "" && (f.token != "" || f.tokenFile != "" || f.cert != "" || f.key != ""):
		return usageError{errors.New("--http-token, --http-token-file, --http-tlscert and --http-tlskey go with --http HOST:PORT")}
	case f.addr == "":
		return nil
	case (f.cert == "") != (f.key == ""):
		return usageError{errors.New("TLS needs --http-tlscert and --http-tlskey, both")}
	case f.token != "" && f.tokenFile != "":
		return usageError{errors.New("--http-token and --http-token-file: leave out one or the other")}
	}
	if _, _, err := net.SplitHostPort(f.addr); err != nil {
		return usageError{fmt.Errorf("--http %s: use HOST:PORT", f.addr)}
	}
	return checkListen("--http", f.addr, f.cert != "", insecure)
}

// secret is the token that lets people steer, or "". Space around it is dropped, as of what people say at the door.
func (f *pageFlags) secret() (string, error) {
	text, by := f.token, "--http-token"
	switch {
	case f.tokenFile != "":
		file, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return "", usageError{fmt.Errorf("--http-token-file: %w", err)}
		}
		text, by = string(file), "--http-token-file "+f.tokenFile
	case text == "":
		text, by = os.Getenv(tokenVariable), tokenVariable
	}
	token := strings.TrimSpace(text)
	if token == "" && (text != "" || f.tokenFile != "") {
		return "", usageError{fmt.Errorf("%s: it is empty", by)}
	}
	if err := web.CheckToken(token); err != nil {
		return "", usageError{err}
	}
	return token, nil
}

// config is how the page is served.
func (f *pageFlags) config(log *slog.Logger) (web.Config, error) {
	token, err := f.secret()
	if err != nil {
		return web.Config{}, err
	}
	c := web.Config{
		Desk: f.page, Gauge: f.page, Steering: f.page, Standing: f.page.Standing,
		Token: token, Loopback: !bus.Beyond(f.addr), Version: version(), Log: log,
	}
	if f.cert == "" {
		return c, nil
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return c, usageError{fmt.Errorf("--http-tlscert %s: %w", f.cert, err)}
	}
	c.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	return c, nil
}

// beside serves the page as long as a role runs, from before there is a bus.
func (f *pageFlags) beside(ctx context.Context, log *slog.Logger, role func(ctx context.Context) error) error {
	if f.addr == "" {
		return role(ctx)
	}
	f.page = &roles.Page{}
	config, err := f.config(log)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.addr)
	if err != nil {
		return fmt.Errorf("serve the page: %w: choose another address with --http", err)
	}
	scheme := "http"
	if config.TLS != nil {
		scheme = "https"
	}
	log.Info("serves the page", "url", scheme+"://"+listener.Addr().String()+"/", "steering", config.Token != "")
	serve := func(ctx context.Context) error { return web.New(config).Run(ctx, listener) }
	return beside(ctx, serve, role)
}
