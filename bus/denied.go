package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"jetreduce/mapreduce"
)

// A server that denies something says so beside: whoever asked hears nothing, and would wait until its time is up. So who waits for an
// answer says here what it has sent, and is told at once that it was denied:
//
//	ask ── about "STREAM.INFO.X" ─▶ waits ◀── "Permissions Violation for Publish to $JS.API.STREAM.INFO.X"
//
// That the inbox may not be listened to ends all waits: no answer will ever come there, until the connection is a new one.

// ErrDenied: the server does not permit this user to do something. All errors that are it are permanent, and say what and to whom.
var ErrDenied = mapreduce.ErrDenied

// DeniedPause is how long a daemon waits that was denied what it needs: somebody has to change its permissions first.
const DeniedPause = 2 * time.Second

// Denied is what a server has denied.
type Denied struct {
	Listening bool // else: publishing
	Subject   string
	User      string // "": nobody knows
	Needs     string // who may do that, and what to do
}

func (d Denied) Error() string {
	what, user := "publish to", ""
	if d.Listening {
		what = "listen to"
	}
	if d.User != "" {
		user = fmt.Sprintf(" as user %q", d.User)
	}
	return fmt.Sprintf("%v: %s %q%s: %s", ErrDenied, what, d.Subject, user, d.Needs)
}

func (d Denied) Is(target error) bool { return target == ErrDenied }

// denials hear what the server denies on one connection.
type denials struct {
	nc     *nats.Conn
	prefix string // of jetreduce

	mu      sync.Mutex
	waiting map[*denialWait]struct{}
	past    map[string]bool // what somebody has waited for in vain
	mute    *Denied         // the inbox may not be listened to
}

// denialWait is somebody who waits for an answer.
type denialWait struct {
	about []string // tokens of subjects
	under string   // or of all subjects that begin with these; "": none
	end   context.CancelCauseFunc
}

// hearDenials begins to hear them. Whoever has heard errors before goes on to, but for denials that somebody waits for: who waits says so,
// or knows another way.
func hearDenials(nc *nats.Conn, prefix string) *denials {
	d := &denials{nc: nc, prefix: prefix, waiting: map[*denialWait]struct{}{}, past: map[string]bool{}}
	handler := nc.ErrorHandler()
	nc.SetErrorHandler(func(nc *nats.Conn, sub *nats.Subscription, err error) {
		if !d.hear(err) && handler != nil {
			handler(nc, sub, err)
		}
	})
	return d
}

var violation = regexp.MustCompile(`(?i)permissions violation for (publish|subscription) to ("(?:[^"\\]|\\.)*")`)

// readViolation reads what a server says that it denies.
func readViolation(err error) (d Denied, is bool) {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return d, false
	}
	found := violation.FindStringSubmatch(err.Error())
	if found == nil {
		return d, false
	}
	subject, fault := strconv.Unquote(found[2])
	return Denied{Listening: strings.EqualFold(found[1], "subscription"), Subject: subject}, fault == nil
}

// explainDenial says in full what a server says that it denies; nil: it says something else.
func explainDenial(nc *nats.Conn, prefix string, err error) error {
	denied, is := readViolation(err)
	if !is {
		return nil
	}
	denied.User = userOf(nc)
	denied.Needs = needs(nc, prefix, denied)
	return mapreduce.Permanent(denied)
}

// userOf is who the server knows this connection as, as far as a client knows.
func userOf(nc *nats.Conn) string {
	if nc.Opts.User != "" {
		return nc.Opts.User
	}
	if u, err := url.Parse(nc.ConnectedUrl()); err == nil && u.User != nil {
		if _, password := u.User.Password(); password { // else it is a token
			return u.User.Username()
		}
	}
	return nc.Opts.Nkey
}

// hear tells those who wait, and reports whether there were any.
func (d *denials) hear(err error) (told bool) {
	explained := explainDenial(d.nc, d.prefix, err)
	var denied Denied
	if !errors.As(explained, &denied) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	inbox := denied.Listening && strings.HasPrefix(denied.Subject, cmp.Or(d.nc.Opts.InboxPrefix, "_INBOX")+".")
	if inbox {
		d.mute = &denied
	}
	for w := range d.waiting {
		for _, tokens := range w.about {
			if has := denied.about(tokens); has || inbox {
				d.past[tokens] = d.past[tokens] || has
				w.end(explained)
				told = true
			}
		}
		if w.under != "" && strings.HasPrefix(denied.Subject+".", w.under+".") {
			w.end(explained)
			told = true
		}
	}
	return told
}

// about reports whether a subject is one of those that begin with some tokens, which may leave out how requests to the server begin. Tokens
// further on are no sign: where an answer goes, and which receipt is given back, others say, and name what they like.
func (d Denied) about(tokens string) bool {
	return slices.ContainsFunc([]string{"", "$JS.", "$JS.API.", "$JS.API.STREAM.MSG.", "$JS.API.DIRECT."}, func(begin string) bool {
		return strings.HasPrefix(d.Subject+".", begin+tokens+".")
	})
}

// reconnected forgets what was true of the connection before.
func (d *denials) reconnected() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mute = nil
	clear(d.past)
}

// deniedSince is what the server has just denied of a subject to be listened to, since the connection had this last error; nil: nothing.
// Whoever subscribes hears nothing of it but by this: call it when the server has answered something that was sent after that.
func (d *denials) deniedSince(before error, subject string) error {
	last := d.nc.LastError()
	if denied, is := readViolation(last); last == before || !is || !denied.Listening || denied.Subject != subject {
		return nil
	}
	return explainDenial(d.nc, d.prefix, last)
}

// before reports whether somebody has waited for this in vain, over this connection: who knows another way takes that.
func (d *denials) before(about string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.past[about]
}

// until is a context that ends when something is denied whose subject has some of these tokens. Call stop when nobody waits any more.
func (d *denials) until(ctx context.Context, about ...string) (_ context.Context, stop func()) {
	return d.wait(ctx, denialWait{about: about})
}

// untilUnder is until for what is published on subjects of a user's own: those that begin with these tokens. They may stand in others too.
func (d *denials) untilUnder(ctx context.Context, tokens string) (_ context.Context, stop func()) {
	return d.wait(ctx, denialWait{under: tokens})
}

func (d *denials) wait(ctx context.Context, waits denialWait) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &waits
	w.end = cancel
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mute != nil {
		cancel(mapreduce.Permanent(*d.mute))
	}
	d.waiting[w] = struct{}{}
	return ctx, func() {
		d.mu.Lock()
		delete(d.waiting, w)
		d.mu.Unlock()
		cancel(nil)
	}
}

// deniedOr is what was denied to who waited with a context of until, else err.
func deniedOr(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, ErrDenied) {
		return cause
	}
	return err
}
