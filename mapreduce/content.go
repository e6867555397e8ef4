package mapreduce

import "io"

// Content is the bytes of one source, open for reading. It is not safe for concurrent use.
type Content struct {
	// Read reads at an offset as io.ReaderAt does. The context that the content was opened with bounds it.
	Read func(p []byte, offset int64) (int, error)
	// Verify returns nil when the bytes that were read are those of the plan, and wraps ErrInputChanged when the source is
	// not what it was.
	Verify func() error
	// Pour, if there is one, is read instead of Read: all bytes of the source from its beginning, of which the plan does not know how many
	// they are. Its source is whole.
	Pour io.Reader
	// Close gives back what is open.
	Close func() error
}

// Carried is one file that the bus carries for a job: a client's, or standard input.
type Carried struct {
	Name   string // as the user knows it; bytes, as paths are
	Size   int64
	Digest Digest // of all its bytes
}
