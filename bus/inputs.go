package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// An upload is one stream: the chunks of all files, then the manifest, its head last of all. So whoever sees a head sees an
// upload that was whole, and counting its messages tells whether it still is.
//
//	Make ─▶ chunks … ─▶ manifest.1 … manifest.p ─▶ manifest.0 ─▶ Keep ─▶ (the job) ─▶ Drop
//	└─────────── expires, if nobody goes on ────────────────┘
//
// Kept, the stream is sealed: nothing is added, replaced or removed any more.
func (n names) input(upload string) string         { return n.stream("INPUT_" + upload) }
func (n names) inputSubjects(upload string) string { return n.prefix + ".input." + upload + ".>" }

func (n names) inputChunk(upload string, file, chunk int) string {
	return fmt.Sprintf("%s.input.%s.%d.%d", n.prefix, upload, file, chunk)
}

// inputManifest is the subject of one part of the manifest; 0 is its head.
func (n names) inputManifest(upload string, part int) string {
	return fmt.Sprintf("%s.input.%s.manifest.%d", n.prefix, upload, part)
}

// errGone: what was there is not on the bus any more.
var errGone = errors.New("it is not on the bus")

// Uploads makes, keeps and drops what clients upload: the coordinator's side.
type Uploads struct {
	bus *Bus
	// Expiry is how long an upload that no job has named stays.
	Expiry time.Duration
	// Patience is how long an upload may take to answer when it is to be kept.
	Patience time.Duration
}

// Uploads are the uploads on this bus; they expire after a day, and have 8 s to answer.
func (b *Bus) Uploads() *Uploads { return &Uploads{b, 24 * time.Hour, namedWait} }

// Make makes room for an upload, unless it is there. Its id may stand in a subject: [A-Za-z0-9_-]{1,64}.
func (u *Uploads) Make(ctx context.Context, upload string) error {
	if !validUpload(upload) {
		return mapreduce.Permanentf("upload %q: use 1 to 64 of A-Z a-z 0-9 _ -", upload)
	}
	_, err := u.bus.makeDurable(ctx, jetstream.StreamConfig{
		Name: u.bus.names.input(upload), Subjects: []string{u.bus.names.inputSubjects(upload)},
		Description: "input that a client carried", MaxAge: u.Expiry,
		MaxMsgsPerSubject: 1, // a chunk that is published again is the same chunk
		Discard:           jetstream.DiscardNew, AllowDirect: true,
	})
	return err
}

func validUpload(upload string) bool { return mapreduce.JobID(upload).Valid() }

// hasExpired reports whether a stream is an upload that was not kept, and of which nothing is left. One that does not
// answer is looked at another time.
func (b *Bus) hasExpired(ctx context.Context, name string) bool {
	if !strings.HasPrefix(name, b.names.input("")) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, hastyWait)
	defer cancel()
	stream, err := b.js.Stream(ctx, name)
	if err != nil {
		return false
	}
	info := stream.CachedInfo()
	age := info.Config.MaxAge
	return age > 0 && info.State.Msgs == 0 && info.TimeStamp.Sub(info.Created) > age
}

// Keep makes a whole upload stay as it is until it is dropped. One that is gone, not whole, or does not answer is a permanent
// error.
func (u *Uploads) Keep(ctx context.Context, upload string) error {
	err := u.bus.within(ctx, u.Patience, func(ctx context.Context) error { return u.keep(ctx, upload) })
	if errors.Is(err, errMute) {
		return mapreduce.Permanent(fmt.Errorf("upload %s %w", upload, err))
	}
	return err
}

func (u *Uploads) keep(ctx context.Context, upload string) error {
	if _, err := u.bus.uploaded(ctx, upload); err != nil {
		return err
	}
	stream, err := u.bus.stream(ctx, u.bus.names.input(upload))
	if err != nil {
		return fmt.Errorf("keep upload %s: %w", upload, permanentIfGone(err))
	}
	config := stream.CachedInfo().Config
	config.MaxAge, config.Sealed = 0, true
	d := doubt{bus: u.bus}
	err = u.bus.ask(ctx, "STREAM.UPDATE."+config.Name, func(ctx context.Context) error {
		_, err := u.bus.js.UpdateStream(ctx, config)
		return d.of(err)
	})
	if err != nil {
		return fmt.Errorf("keep upload %s: %w", upload, permanentIfGone(err))
	}
	_, err = u.bus.uploaded(ctx, upload) // its time may have come while it was sealed
	return err
}

// permanentIfGone marks that there is no such stream, which no other attempt will find.
func permanentIfGone(err error) error {
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return mapreduce.Permanent(err)
	}
	return err
}

// Drop drops an upload with all that is in it; one that is gone is fine.
func (u *Uploads) Drop(ctx context.Context, upload string) error {
	name, d := u.bus.names.input(upload), doubt{bus: u.bus}
	err := u.bus.ask(ctx, "STREAM.DELETE."+name, func(ctx context.Context) error { return d.of(u.bus.js.DeleteStream(ctx, name)) })
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("drop upload %s: %w", upload, err)
	}
	return nil
}

// uploaded reads the head of an upload's manifest, and refuses an upload that is not all there.
func (b *Bus) uploaded(ctx context.Context, upload string) (manifestHead, error) {
	if !validUpload(upload) {
		return manifestHead{}, mapreduce.Permanentf("upload %q: no such upload", upload)
	}
	head, err := b.manifestHead(ctx, upload)
	if err != nil {
		return head, err
	}
	stream, err := b.stream(ctx, b.names.input(upload))
	if err != nil {
		return head, fmt.Errorf("upload %s: %w", upload, permanentIfGone(err))
	}
	want := uint64(head.Chunks) + uint64(head.Parts) + 1
	if got := stream.CachedInfo().State.Msgs; got != want {
		return head, mapreduce.Permanentf("upload %s: %d of %d messages are there, the rest expired or was lost: upload it again",
			upload, got, want)
	}
	return head, nil
}

func (b *Bus) manifestHead(ctx context.Context, upload string) (manifestHead, error) {
	msg, err := b.lastMessage(ctx, b.names.input(upload), b.names.inputManifest(upload, 0))
	if errors.Is(err, errGone) {
		return manifestHead{}, mapreduce.Permanentf("upload %s: it was never complete, or is gone: upload it again: %w", upload, err)
	}
	if err != nil {
		return manifestHead{}, fmt.Errorf("upload %s: read manifest: %w", upload, err)
	}
	head, err := decodeHead(msg.Data)
	if err != nil {
		return manifestHead{}, mapreduce.Permanent(fmt.Errorf("upload %s: %w", upload, err))
	}
	return head, nil
}

// lastMessage is the last message on a subject of a stream that allows direct gets; errGone: there is none, or no such
// stream. A stream is looked for a while: a server that has just come back may not serve it yet.
func (b *Bus) lastMessage(ctx context.Context, stream, subject string) (*nats.Msg, error) {
	var found *nats.Msg
	away, d := absence{bus: b, stream: stream}, doubt{bus: b}
	err := b.ask(ctx, "GET."+stream, func(try context.Context) (err error) {
		found, err = b.nc.RequestWithContext(try, "$JS.API.DIRECT.GET."+stream+"."+subject, nil)
		if err == nil {
			err = directError(found)
		}
		switch {
		case errors.Is(err, errGone) && b.clustered():
			found, err = b.leadersLast(try, stream, subject)
			if err = d.of(err); isNoStream(err) {
				err = errGone
			}
		case errors.Is(err, nats.ErrNoResponders) && away.lasts(ctx):
			return fmt.Errorf("no stream %s: %w", stream, errGone)
		}
		return err
	})
	return found, err
}

// directError is what an answer without data says.
func directError(msg *nats.Msg) error {
	switch status := msg.Header.Get("Status"); status {
	case "":
		return nil
	case "404":
		return fmt.Errorf("no message: %w", errGone)
	default:
		return fmt.Errorf("status %s %s", status, msg.Header.Get("Description"))
	}
}
