package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// HeldUpload is what the bus holds of an upload.
type HeldUpload struct {
	ID      string    `json:"id"`
	Stream  string    `json:"stream"`
	Bytes   uint64    `json:"bytes"`
	Made    time.Time `json:"made"`
	Kept    bool      `json:"kept"`             // for a job, until that is done or removed
	Expires time.Time `json:"expires,omitzero"` // what is not kept, one message after the other
}

// HeldUploads lists the uploads on the bus, the largest first. Who may not list streams gets ErrDenied.
func (b *Bus) HeldUploads(ctx context.Context) ([]HeldUpload, error) {
	ctx, heard := b.denials.until(ctx, "STREAM.LIST")
	defer heard()
	list := b.js.ListStreams(ctx, jetstream.WithStreamListSubject(b.names.prefix+".input.>"))
	held := []HeldUpload{}
	for info := range list.Info() {
		if id, is := strings.CutPrefix(info.Config.Name, b.names.input("")); is && validUpload(id) {
			held = append(held, heldUpload(id, info))
		}
	}
	if err := deniedOr(ctx, list.Err()); err != nil {
		return nil, fmt.Errorf("list the uploads: %w", err)
	}
	slices.SortFunc(held, func(x, y HeldUpload) int { return cmp.Or(cmp.Compare(y.Bytes, x.Bytes), cmp.Compare(x.ID, y.ID)) })
	return held, nil
}

func heldUpload(id string, info *jetstream.StreamInfo) HeldUpload {
	h := HeldUpload{
		ID: id, Stream: info.Config.Name, Bytes: info.State.Bytes, Made: info.Created, Kept: info.Config.Sealed || info.Config.MaxAge == 0,
	}
	if !h.Kept {
		h.Expires = info.Created.Add(info.Config.MaxAge)
		if info.State.Msgs > 0 {
			h.Expires = info.State.LastTime.Add(info.Config.MaxAge)
		}
	}
	return h
}

// ErrKept: an upload is the input of a job.
var ErrKept = errors.New("it is kept for a job")

// FreeUpload removes an upload that no job needs; one that is gone is fine. The leader knows which those are. When it does not do so (the
// bus may have no room left, so that none can lead) this process removes it by its own rights: if it is not whole, so that no job can have
// been made of it, or if the caller is sure. One that a job needs stays: the error is ErrKept, and mapreduce.ErrNoLeader if nobody leads.
func (b *Bus) FreeUpload(ctx context.Context, upload string, sure bool) error {
	if !validUpload(upload) {
		return mapreduce.Permanentf("upload %q: no such upload", upload)
	}
	asking, cancel := halfOf(ctx)
	err := b.Desk().Discard(asking, upload)
	cancel()
	held, there := b.held(ctx, upload)
	switch {
	case errors.Is(there, jetstream.ErrStreamNotFound):
		return nil
	case there != nil:
		return fmt.Errorf("free upload %s: %w", upload, there)
	case err == nil || held.Kept:
		return mapreduce.Permanent(kept{upload, err})
	}
	if whole := b.maybeWhole(ctx, upload); whole && !sure {
		return fmt.Errorf("free upload %s: it is whole, and only a coordinator knows whether a job needs it: %w", upload, err)
	}
	return b.Uploads().Drop(ctx, upload)
}

// kept: an upload is the input of a job. Why it was not asked for, if it was not, is told with it: nobody can remove that job then.
type kept struct {
	upload  string
	unasked error
}

func (k kept) Error() string {
	said := fmt.Sprintf("upload %s is kept for a job: `jetreduce rm JOB` drops it with the job, when that has ended", k.upload)
	if k.unasked != nil {
		said += fmt.Sprintf(" (now: %v)", k.unasked)
	}
	return said
}

func (k kept) Is(target error) bool { return target == ErrKept }

func (k kept) Unwrap() error { return k.unasked }

// halfOf leaves half of the time for what comes after.
func halfOf(ctx context.Context) (context.Context, context.CancelFunc) {
	until, bounded := ctx.Deadline()
	if !bounded {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(until)/2)
}

// HoldsUpload reports whether the bus has something of an upload.
func (b *Bus) HoldsUpload(ctx context.Context, upload string) (bool, error) {
	if !validUpload(upload) {
		return false, nil
	}
	_, err := b.held(ctx, upload)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return false, nil
	}
	return true, err
}

func (b *Bus) held(ctx context.Context, upload string) (HeldUpload, error) {
	stream, err := b.js.Stream(ctx, b.names.input(upload))
	if err != nil {
		return HeldUpload{}, err
	}
	return heldUpload(upload, stream.CachedInfo()), nil
}

// maybeWhole reports whether an upload is whole, or nobody can tell.
func (b *Bus) maybeWhole(ctx context.Context, upload string) bool {
	_, err := b.uploaded(ctx, upload)
	return !mapreduce.IsPermanent(err)
}

// UploadStream is the stream that holds an upload, for whoever has to remove it by hand.
func (b *Bus) UploadStream(upload string) string { return b.names.input(upload) }
