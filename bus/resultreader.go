package bus

import (
	"context"
	"errors"
	"fmt"
	"io"

	"jetreduce/mapreduce"
)

// Fetch opens the result of a submission. What is read is checked against its digest, at the end.
func (r *Results) Fetch(ctx context.Context, uid mapreduce.UID, target mapreduce.Target) (io.ReadCloser, error) {
	at, err := r.bus.names.resultPlace(target, uid)
	if err != nil {
		return nil, err
	}
	found, err := r.open(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("fetch result %s: %w", at.name, err)
	}
	return found, nil
}

// open opens a result, and refuses a link, which would lead to whatever somebody else has put there.
func (r *Results) open(ctx context.Context, at place) (io.ReadCloser, error) {
	found, err := r.bus.stands(ctx, at)
	switch {
	case err != nil:
		return nil, err
	case !found.live():
		return nil, mapreduce.Permanent(errGone)
	case found.link() != nil:
		return nil, mapreduce.Permanentf("a link to %s in bucket %s took its place", found.link().Name, found.link().Bucket)
	}
	of, err := r.bus.readObject(ctx, at, found.info)
	if err != nil {
		return nil, err
	}
	return resultReader{of}, nil
}

// resultReader reads a result, and says of each trouble which result has it.
type resultReader struct{ *objectRead }

func (r resultReader) Read(data []byte) (int, error) {
	n, err := r.objectRead.Read(data)
	switch {
	case errors.Is(err, errDamaged):
		return n, fmt.Errorf("fetch result %s: %w: run the job again", r.info.Name, err)
	case err != nil && !errors.Is(err, io.EOF):
		return n, fmt.Errorf("fetch result %s: %w", r.info.Name, err)
	}
	return n, err
}
