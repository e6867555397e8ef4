package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/input"
)

// shipped is the files that jobs ship along: fetched once a job, and linked into the directory of each attempt. It is safe for concurrent use.
//
//	job-…/words.py ◀── link ── attempt-…/words.py
type shipped struct {
	mu   sync.Mutex
	jobs map[mapreduce.UID]*shipment
	idle []mapreduce.UID // of which no attempt runs, the longest idle first
}

// mostIdle bounds the jobs whose files stay although none of their attempts runs here: that a job is over may not have been heard.
const mostIdle = 8

// shipment is the files of one job.
type shipment struct {
	uid      mapreduce.UID
	attempts int // that run

	mu  sync.Mutex // held while they are fetched: one fetches, the other slots find them
	dir string     // "": not fetched, or removed
}

// begin is the files of a job, for an attempt that begins: they stay until it ends, or the job is over.
func (s *shipped) begin(uid mapreduce.UID) *shipment {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jobs == nil {
		s.jobs = map[mapreduce.UID]*shipment{}
	}
	if s.jobs[uid] == nil {
		s.jobs[uid] = &shipment{uid: uid}
	}
	s.jobs[uid].attempts++
	s.unlist(uid)
	return s.jobs[uid]
}

// unlist says that a job is not idle; s.mu is held.
func (s *shipped) unlist(uid mapreduce.UID) {
	s.idle = slices.DeleteFunc(s.idle, func(other mapreduce.UID) bool { return other == uid })
}

// end is the end of such an attempt.
func (s *shipped) end(job *shipment) {
	if old := s.unneeded(job); old != nil {
		old.remove()
	}
}

// unneeded notes that an attempt has ended, and says whose files nobody needs now: of a job that is over, or idle for longest.
func (s *shipped) unneeded(job *shipment) *shipment {
	s.mu.Lock()
	defer s.mu.Unlock()
	job.attempts--
	switch {
	case job.attempts > 0:
		return nil
	case s.jobs[job.uid] != job:
		return job
	}
	if s.idle = append(s.idle, job.uid); len(s.idle) <= mostIdle {
		return nil
	}
	oldest := s.jobs[s.idle[0]]
	delete(s.jobs, oldest.uid)
	s.idle = s.idle[1:]
	return oldest
}

// drop removes the files of a job that is over. An attempt that still runs loses them: nobody needs it.
func (s *shipped) drop(uid mapreduce.UID) {
	s.mu.Lock()
	job := s.jobs[uid]
	delete(s.jobs, uid)
	s.unlist(uid)
	s.mu.Unlock()
	if job != nil {
		job.remove()
	}
}

// clear removes all files.
func (s *shipped) clear() {
	s.mu.Lock()
	jobs := s.jobs
	s.jobs, s.idle = nil, nil
	s.mu.Unlock()
	for _, job := range jobs {
		job.remove()
	}
}

func (f *shipment) remove() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dir != "" {
		_ = os.RemoveAll(f.dir) // it is in the scratch directory, and nobody's output
		f.dir = ""
	}
}

// link makes the files stand in an attempt's directory. Load fetches them into one of their own, unless they are here.
func (f *shipment) link(dir string, files []mapreduce.Source, load func() (dir string, err error)) (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dir == "" {
		if f.dir, err = load(); err != nil {
			return err
		}
	}
	for _, file := range files {
		name := shippedName(file)
		if err := os.Symlink(filepath.Join(f.dir, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// shippedName is what a file is called beside each attempt: as where it comes from, without a URL's parameters and escapes.
func shippedName(file mapreduce.Source) string {
	name := file.Title()
	if scheme, rest, found := strings.Cut(name, "://"); found && !strings.Contains(scheme, "/") {
		name = rest
		if end := strings.IndexAny(name, "?#"); end >= 0 {
			name = name[:end]
		}
		if plain, err := url.PathUnescape(name); err == nil {
			name = plain
		}
	}
	return filepath.Base(name)
}

// load fetches files into a new directory. They can be executed: a file has lost its mode on the way.
func (w *Worker) load(ctx context.Context, files []mapreduce.Source) (string, error) {
	dir, err := w.own("job-")
	if err != nil {
		return "", err
	}
	for _, file := range files {
		if err := w.loadFile(ctx, file, filepath.Join(dir, shippedName(file))); err != nil {
			return "", errors.Join(err, os.RemoveAll(dir))
		}
	}
	return dir, nil
}

// own makes a directory in the worker's own.
func (w *Worker) own(prefix string) (string, error) {
	workshop, err := w.workshop.in(w.Scratch)
	if err != nil {
		return "", err
	}
	return os.MkdirTemp(workshop, prefix)
}

func (w *Worker) loadFile(ctx context.Context, file mapreduce.Source, path string) error {
	content, err := input.OpenSource(ctx, file, w.reach())
	if err != nil {
		return err
	}
	defer content.Close()
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o555)
	if err != nil {
		return fmt.Errorf("ship %s: %w", file.Title(), err)
	}
	from := content.Pour
	if from == nil {
		from = io.NewSectionReader(readerAt(content.Read), 0, file.Size)
	}
	if _, err = io.Copy(to, from); err != nil {
		err = fmt.Errorf("ship %s: %w", file.Title(), err)
	} else {
		err = content.Verify()
	}
	return errors.Join(err, to.Close())
}

// readerAt is a function as an io.ReaderAt.
type readerAt func(p []byte, offset int64) (int, error)

func (r readerAt) ReadAt(p []byte, offset int64) (int, error) { return r(p, offset) }

// list finds the files that a job ships along, as they are now. Two of one name would hide each other.
func (w *Worker) list(ctx context.Context, names []string) ([]mapreduce.Source, error) {
	if len(names) == 0 {
		return nil, nil
	}
	files, err := input.List(ctx, names, w.reach())
	if err != nil {
		return nil, fmt.Errorf("ship along: %w", err)
	}
	if len(files) > mapreduce.MaxFiles {
		return nil, mapreduce.Permanentf("ship along %d files, %d at most: put them into an archive", len(files), mapreduce.MaxFiles)
	}
	text, err := json.Marshal(files)
	if err == nil && len(text) > maxShipped {
		err = mapreduce.Permanentf("ship along %d files whose names have %d bytes, %d at most: put them into an archive",
			len(files), len(text), maxShipped)
	}
	return files, errors.Join(err, distinct(files))
}

// maxShipped bounds what says which files a job ships along, in bytes: it stands in each task, beside the job's commands.
const maxShipped = 64 << 10

// distinct refuses files that cannot stand beside each other under their own names.
func distinct(files []mapreduce.Source) error {
	byName := map[string]mapreduce.Source{}
	for _, file := range files {
		name := shippedName(file)
		if name == "." || name == ".." || name == "/" || len(name) > 255 || strings.Contains(name, "\x00") {
			return mapreduce.Permanentf("ship along %s: no file can be called %.300q where the program runs: rename it", file.Title(), name)
		}
		if other, taken := byName[name]; taken {
			return mapreduce.Permanentf("ship along %s and %s: both are called %s where the program runs: rename one",
				other.Title(), file.Title(), name)
		}
		byName[name] = file
	}
	return nil
}
