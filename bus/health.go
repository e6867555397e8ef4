package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
)

// Self is a process of jetreduce among all that use a bus.
type Self struct {
	Kind  string `json:"kind"`            // coordinator, worker
	Host  string `json:"host"`            // as its machine or container is called
	Space string `json:"space,omitempty"` // in which its pid is one: containers may share a host's name. "": there are none here
	Pid   int    `json:"pid"`             // 0, of one that is looked for: any
}

// is reports whether a process is the one that is looked for.
func (s Self) is(wanted Self) bool {
	return s.Kind == wanted.Kind && s.Host == wanted.Host && s.Space == wanted.Space && (wanted.Pid == 0 || s.Pid == wanted.Pid)
}

// Sign is what a process answers when it is asked whether it lives.
type Sign struct {
	Self
	Ill   bool   `json:"ill,omitempty"` // it runs, and does not do its work
	Words string `json:"words"`         // how it is
}

// OnHealth lets a process answer for itself until stop is called. It answers on the connection that it works with: one that is cut off
// from the bus, or stands still, does not.
func (b *Bus) OnHealth(self Self, sign func() (ill bool, words string)) (stop func(), err error) {
	sub, err := b.nc.Subscribe(b.names.health(self), func(msg *nats.Msg) {
		answer := Sign{Self: self}
		answer.Ill, answer.Words = sign()
		if data, err := json.Marshal(answer); err == nil && answerable(msg.Reply) {
			_ = msg.Respond(data) // whoever asks hears nothing else from a connection that is lost
		}
	})
	if err != nil {
		return nil, fmt.Errorf("listen for who asks whether this process lives: %w", err)
	}
	return func() { _ = sub.Unsubscribe() }, nil
}

// ErrNoSign: nobody answered for the process that is looked for.
var ErrNoSign = errors.New("no sign of life")

// Health asks a process whether it lives. Others of its kind on its host may answer, too: they are not meant.
func (b *Bus) Health(ctx context.Context, wanted Self) (Sign, error) {
	inbox := b.nc.NewInbox()
	sub, err := b.nc.SubscribeSync(inbox)
	if err != nil {
		return Sign{}, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	ctx, heard := b.denials.until(ctx, b.names.health(wanted))
	defer heard()
	if err := b.nc.PublishRequest(b.names.health(wanted), inbox, nil); err != nil {
		return Sign{}, err
	}
	for {
		msg, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return Sign{}, noSign(deniedOr(ctx, err))
		}
		if sign, read := readSign(msg.Data); read && sign.is(wanted) {
			return sign, nil
		}
	}
}

// noSign says why nobody answered.
func noSign(err error) error {
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("%w: none is connected to this bus", ErrNoSign)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: no answer in time: it is paused, cut off or another", ErrNoSign)
	}
	return fmt.Errorf("%w: %w", ErrNoSign, err)
}

func readSign(data []byte) (sign Sign, read bool) {
	return sign, json.Unmarshal(data, &sign) == nil
}

// health is where the processes of a kind on a host are asked whether they live: each hears of its own host only, or a thousand workers
// that are looked at would hear a million questions.
func (n names) health(of Self) string {
	return fmt.Sprintf("%s.health.%s.%s", n.prefix, of.Kind, hostToken(of.Host))
}

// hostToken is a host's name as one token of a subject.
func hostToken(host string) string {
	token := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, host)
	return token + "-" // which may not be empty
}
