package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// ObjectScheme is the scheme of inputs that are objects of a store of NATS.
const ObjectScheme = "object"

// maxObjectLinks bounds how many links lead to an object.
const maxObjectLinks = 8

// ObjectInputs reads objects: input.Scheme for object:// URLs.
//
// An object is frozen by its id (NUID) and digest. A link is followed when it is listed, and what it led to is read: it may
// lead elsewhere later. The chunks are read as they stand in the store's stream, and the digest is compared at the end.
type ObjectInputs struct{ bus *Bus }

// ObjectInputs are the objects on this bus.
func (b *Bus) ObjectInputs() *ObjectInputs { return &ObjectInputs{b} }

// List gives the object of that name, else, in the order of their names, those that match it as a pattern or lie under it
// as a directory.
func (o *ObjectInputs) List(ctx context.Context, input string) ([]mapreduce.Source, error) {
	at, err := parseObjectURL(input)
	if err != nil {
		return nil, err
	}
	sources, err := o.list(ctx, at)
	if err == nil && len(sources) == 0 {
		err = mapreduce.Permanentf("no object of bucket %s has that name or matches it (nats object ls %s names those that there are)",
			at.bucket, at.bucket)
	}
	if err != nil {
		return nil, fmt.Errorf("input %s: %w", input, err)
	}
	return sources, nil
}

func (o *ObjectInputs) list(ctx context.Context, at place) ([]mapreduce.Source, error) {
	if at.name != "" {
		found, err := o.stands(ctx, at)
		if err != nil {
			return nil, err
		}
		if found.live() {
			source, err := o.source(ctx, at, found.info)
			return []mapreduce.Source{source}, err
		}
	}
	under := at.name == "" || strings.HasSuffix(at.name, "/")
	if !under && !strings.ContainsAny(at.name, `*?[\`) {
		return nil, nil
	}
	if _, err := path.Match(at.name, ""); err != nil {
		return nil, mapreduce.Permanent(err)
	}
	all, err := o.all(ctx, at.bucket)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(all, func(name string, _ jetstream.ObjectInfo) bool {
		matched, _ := path.Match(at.name, name)
		return !matched && !(under && strings.HasPrefix(name, at.name))
	})
	return o.sources(ctx, at.bucket, all)
}

// sources gives each object once, also one to which links lead.
func (o *ObjectInputs) sources(ctx context.Context, bucket string, all map[string]jetstream.ObjectInfo) ([]mapreduce.Source, error) {
	var sources []mapreduce.Source
	known := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		source, err := o.source(ctx, place{bucket, name}, all[name])
		if err != nil {
			return nil, err
		}
		if !known[source.Identity] {
			sources = append(sources, source)
		}
		known[source.Identity] = true
	}
	return sources, nil
}

// source is an object in a plan, under the name that the user knows.
func (o *ObjectInputs) source(ctx context.Context, at place, info jetstream.ObjectInfo) (mapreduce.Source, error) {
	as := objectURL(at)
	for links := 0; info.Opts != nil && info.Opts.Link != nil; links++ {
		to := place{info.Opts.Link.Bucket, info.Opts.Link.Name}
		if to.name == "" {
			return mapreduce.Source{}, mapreduce.Permanentf("%s is a link to the whole bucket %s: name that", as, to.bucket)
		}
		if links == maxObjectLinks {
			return mapreduce.Source{}, mapreduce.Permanentf("%s: more than %d links", as, maxObjectLinks)
		}
		found, err := o.stands(ctx, to)
		if err == nil && !found.live() {
			err = mapreduce.Permanentf("%s is a link to object %s of bucket %s, which is not there", as, to.name, to.bucket)
		}
		if err != nil {
			return mapreduce.Source{}, err
		}
		at, info = to, found.info
	}
	return mapreduce.Source{Name: objectURL(at), Size: int64(info.Size), Identity: objectIdentity(info), As: as, Whole: true}, nil
}

// stands is Bus.stands for what a user has named, which may be no bucket at all, or not answer.
func (o *ObjectInputs) stands(ctx context.Context, at place) (found standing, err error) {
	err = o.bus.within(ctx, namedWait, func(ctx context.Context) error {
		found, err = o.bus.stands(ctx, at)
		return err
	})
	if err != nil {
		err = fmt.Errorf("bucket %s: %w", at.bucket, err)
	}
	return found, err
}

// metasOf is what is known of the objects and links of a bucket.
func metasOf(bucket string) span {
	return span{
		stream: objectStream(bucket), filters: []string{objectMetas(bucket) + ">"},
		first: 1, last: math.MaxUint64, count: uncounted, gets: true,
	}
}

// all are the objects and links of a bucket. What is replaced meanwhile is there in one of its states.
func (o *ObjectInputs) all(ctx context.Context, bucket string) (map[string]jetstream.ObjectInfo, error) {
	found, err := o.bus.history(ctx, objectStream(bucket))
	if err != nil {
		return nil, err
	}
	w := o.bus.walk(metasOf(bucket), found)
	defer w.close()
	all := map[string]jetstream.ObjectInfo{}
	for {
		metas, err := w.more(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("list bucket %s: %w", bucket, err)
		}
		for _, meta := range metas {
			var info jetstream.ObjectInfo
			if err := decode("object", meta.data, &info); err != nil {
				return nil, mapreduce.Permanent(fmt.Errorf("list bucket %s: %w", bucket, err))
			}
			if all[info.Name] = info; info.Deleted {
				delete(all, info.Name)
			}
		}
	}
}

// parseObjectURL reads what names objects: object://BUCKET/NAME, where NAME may be empty.
func parseObjectURL(text string) (place, error) {
	rest, found := strings.CutPrefix(text, ObjectScheme+"://")
	bucket, escaped, _ := strings.Cut(rest, "/")
	name, err := url.PathUnescape(escaped)
	if !found || err != nil || bucket == "" || strings.ContainsAny(bucket, " \t\r\n\x00.*>\\?") {
		return place{}, mapreduce.Permanentf("input %s: use object://BUCKET/NAME, object://BUCKET/DIRECTORY/ or object://BUCKET/PATTERN, "+
			"with %% as %%25", text)
	}
	return place{bucket, name}, nil
}

// objectURL is what parseObjectURL reads.
func objectURL(at place) string {
	return ObjectScheme + "://" + at.bucket + "/" + escapeName(at.name)
}

// objectIdentity is the object: as text `id:size:chunks:digest`.
func objectIdentity(info jetstream.ObjectInfo) string {
	return fmt.Sprintf("%s:%d:%d:%s", info.NUID, info.Size, info.Chunks, info.Digest)
}

// Open opens an object for reading from its beginning to its end.
func (o *ObjectInputs) Open(ctx context.Context, source mapreduce.Source) (mapreduce.Content, error) {
	at, err := parseObjectURL(source.Name)
	if err != nil {
		return mapreduce.Content{}, err
	}
	p := &objectPour{ctx: ctx, objects: o, source: source, at: at}
	if err := p.verify(); err != nil {
		return mapreduce.Content{}, err
	}
	if p.objectRead, err = o.bus.readObject(ctx, at, p.found); err != nil {
		return mapreduce.Content{}, fmt.Errorf("input %s: %w", source.Name, err)
	}
	return mapreduce.Content{Pour: p, Verify: p.verify, Close: p.Close}, nil
}

// objectPour reads an object that is an input.
type objectPour struct {
	ctx     context.Context
	objects *ObjectInputs
	source  mapreduce.Source
	at      place
	found   jetstream.ObjectInfo
	*objectRead
}

// verify looks whether the object is the one of the plan.
func (p *objectPour) verify() error {
	found, err := p.objects.stands(p.ctx, p.at)
	switch {
	case goneFrom(err) || err == nil && !found.live():
		return p.changed("was deleted")
	case err != nil:
		return fmt.Errorf("input %s: %w", p.source.Name, err)
	case objectIdentity(found.info) != p.source.Identity:
		return p.changed("was replaced")
	}
	p.found = found.info
	return nil
}

func (p *objectPour) changed(how string) error {
	return fmt.Errorf("%w: object %s of bucket %s: %s while the job ran", mapreduce.ErrInputChanged, p.at.name, p.at.bucket, how)
}

// Read gives the object's bytes. Of one that is not whole it is asked whether it is still the plan's.
func (p *objectPour) Read(data []byte) (int, error) {
	n, err := p.objectRead.Read(data)
	switch {
	case errors.Is(err, errDamaged):
		return n, cmp.Or(p.verify(), fmt.Errorf("input %s: %w: store it again", p.source.Name, err))
	case err != nil && !errors.Is(err, io.EOF):
		return n, fmt.Errorf("input %s: %w", p.source.Name, err)
	}
	return n, err
}
