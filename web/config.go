package web

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"time"
)

// Config is what a Server shows, and how.
type Config struct {
	Desk     Desk
	Gauge    Gauge
	Steering Steering        // used with a token only
	Standing func() Standing // of this process

	Token    string      // whoever knows it may cancel, retry and remove; "": nobody may
	Loopback bool        // served to this machine only: requests that name another host are refused
	TLS      *tls.Config // nil: plain HTTP
	Version  string      // of this binary
	Log      *slog.Logger

	Every   time.Duration    // between two looks at what somebody watches; 1 s
	Now     func() time.Time // time.Now
	Viewers int              // live at a time, at most; 256
}

// LeastToken is how many bytes a token has at least: nothing slows down those who guess.
const LeastToken = 16

// CheckToken refuses a token that can be guessed.
func CheckToken(token string) error {
	if token != "" && len(token) < LeastToken {
		return errors.New("the token for the page is shorter than 16 bytes: make one with `openssl rand -hex 16`")
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Every <= 0 {
		c.Every = time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Viewers <= 0 {
		c.Viewers = 256
	}
	if c.Standing == nil {
		c.Standing = func() Standing { return Standing{Why: "nobody knows where this process stands"} }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}
