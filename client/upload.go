package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/input"
)

// Carrier takes the bytes of inputs to where workers find them.
type Carrier interface {
	// ChunkSize is how many bytes each chunk of a file has, but its last.
	ChunkSize() int
	// Carry returns the two ends of an upload: push takes over a chunk and may return before it is stored, flush waits until
	// all are. Files and chunks count from 0.
	Carry(ctx context.Context, upload string) (push func(file, chunk int, data []byte) error, flush func() error)
	// Complete makes an upload whole whose chunks are all stored.
	Complete(ctx context.Context, upload string, files []mapreduce.Carried) error
}

// Stdin is the input that stands for standard input.
const Stdin = "-"

// UploadConfig says what is carried.
type UploadConfig struct {
	ID       string            // of the upload, which was made
	Inputs   []string          // as the user gave them
	Stdin    io.Reader         // what "-" stands for
	Progress func(bytes int64) // told how many bytes have been read so far; may be nil
}

// NeedsUpload reports whether some of the inputs are this machine's.
func NeedsUpload(inputs []string) bool { return slices.ContainsFunc(inputs, isOurs) }

// isOurs reports whether an input is this machine's. URLs are the workers', but for a list of names.
func isOurs(name string) bool {
	return !strings.Contains(name, "://") || strings.HasPrefix(name, "list://")
}

// Upload carries the inputs that are this machine's (files, directories, globs, pipes, standard input) and returns the
// inputs of a job that reads them: URLs of the carried files, in the order of the inputs. Other URLs, file:// among them,
// are the workers' and stay as they are.
//
// It fails by name for a file that changed while it was carried. An upload that failed is not whole: no job can name it,
// and it expires. Reading a pipe or a terminal is not cut short when ctx ends.
func Upload(ctx context.Context, carrier Carrier, cfg UploadConfig) ([]string, error) {
	u := uploader{cfg: cfg, buffer: make([]byte, carrier.ChunkSize())}
	u.push, u.flush = carrier.Carry(ctx, cfg.ID)
	names, err := u.all(ctx)
	if err != nil {
		return nil, err
	}
	if err := u.flush(); err != nil {
		return nil, err
	}
	return names, carrier.Complete(ctx, cfg.ID, u.files)
}

// Fingerprint names what the inputs that are this machine's are now, in chunks of so many bytes, by their files' names, sizes, times and
// numbers: files that were written to have another. "" when they can be read only once.
func Fingerprint(ctx context.Context, inputs []string, chunkSize int) (string, error) {
	ours := slices.DeleteFunc(slices.Clone(inputs), func(name string) bool { return !isOurs(name) })
	if slices.ContainsFunc(ours, func(name string) bool { return name == Stdin || isStream(name) }) {
		return "", nil
	}
	sources, err := input.List(ctx, ours, input.Reach{})
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "1 %d\n", chunkSize) // never fails, and so below
	for _, source := range sources {
		_, _ = fmt.Fprintf(sum, "%d %s %d %s\n", len(source.Name), source.Name, source.Size, source.Identity)
	}
	return hex.EncodeToString(sum.Sum(nil)[:12]), nil
}

// holding adds to the URL of carried files what they hold: the same files carried again make the same job.
func holding(url string, files []mapreduce.Carried) string {
	sum := xxh3.New()
	for _, file := range files {
		_, _ = fmt.Fprintf(sum, "%d %s %d %016x\n", len(file.Name), file.Name, file.Size, uint64(file.Digest)) // never fails
	}
	return fmt.Sprintf("%s#%016x", url, sum.Sum64())
}

// uploader carries files one after the other.
type uploader struct {
	cfg    UploadConfig
	buffer []byte // of one chunk
	push   func(file, chunk int, data []byte) error
	flush  func() error
	files  []mapreduce.Carried
	bytes  int64 // read so far
}

// all carries all inputs, and returns what they are called now. What is carried as a whole has a short name: thousands of
// inputs would make a long message.
func (u *uploader) all(ctx context.Context) ([]string, error) {
	var names []string
	whole := mapreduce.CarriedScheme + "://" + u.cfg.ID
	for _, name := range u.cfg.Inputs {
		if !isOurs(name) {
			names = append(names, name)
			continue
		}
		first := len(u.files)
		if err := u.carry(ctx, name); err != nil {
			return nil, err
		}
		if len(u.files) > first {
			names = append(names, holding(fmt.Sprintf("%s/%d-%d", whole, first, len(u.files)-1), u.files[first:]))
		}
	}
	if !slices.ContainsFunc(u.cfg.Inputs, func(name string) bool { return !isOurs(name) }) {
		return []string{holding(whole, u.files)}, nil
	}
	return names, nil
}

// carry carries what one input stands for.
func (u *uploader) carry(ctx context.Context, name string) error {
	switch {
	case name == Stdin:
		return named("standard input", u.stream(ctx, "standard input", u.cfg.Stdin))
	case isStream(name):
		return named(name, u.pipe(ctx, name))
	}
	sources, err := input.List(ctx, []string{name}, input.Reach{})
	if err != nil {
		return err
	}
	for _, source := range sources {
		if err := u.file(ctx, source); err != nil {
			return err
		}
	}
	return nil
}

func named(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("input %s: %w", name, err)
}

// isStream reports whether a name is of something that can be read once only.
func isStream(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeCharDevice) != 0
}

func (u *uploader) pipe(ctx context.Context, name string) error {
	pipe, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(u.stream(ctx, name, pipe), pipe.Close())
}

// file carries a file, and makes sure that it was not written to meanwhile.
func (u *uploader) file(ctx context.Context, source mapreduce.Source) error {
	path, err := input.Path(source.Name)
	if err != nil {
		return err
	}
	content, err := input.OpenSource(ctx, source, input.Reach{})
	if err != nil {
		return err
	}
	err = u.stream(ctx, path, &sequence{read: content.Read})
	if err == nil {
		err = content.Verify()
	}
	return errors.Join(err, content.Close())
}

// stream carries all that a reader gives, as one file.
func (u *uploader) stream(ctx context.Context, name string, from io.Reader) error {
	file, sum := mapreduce.Carried{Name: name}, xxh3.New()
	for chunk := 0; ; chunk++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := io.ReadFull(from, u.buffer)
		ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !ended {
			return err
		}
		_, _ = sum.Write(u.buffer[:n]) // never fails
		if err := u.chunk(chunk, u.buffer[:n]); err != nil {
			return err
		}
		if file.Size += int64(n); ended {
			file.Digest = mapreduce.Digest(sum.Sum64())
			u.files = append(u.files, file)
			return nil
		}
	}
}

// chunk carries a chunk of the file that comes next; none is empty.
func (u *uploader) chunk(number int, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	if err := u.push(len(u.files), number, slices.Clone(data)); err != nil { // push keeps it
		return err
	}
	if u.bytes += int64(len(data)); u.cfg.Progress != nil {
		u.cfg.Progress(u.bytes)
	}
	return nil
}

// sequence reads a content from its beginning to its end.
type sequence struct {
	read func(p []byte, offset int64) (int, error)
	at   int64
}

func (s *sequence) Read(p []byte) (int, error) {
	n, err := s.read(p, s.at)
	s.at += int64(n)
	return n, err
}
