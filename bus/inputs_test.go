package bus_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/zeebo/xxh3"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// upload carries texts as one upload that is complete.
func upload(t *testing.T, b *bus.Bus, id string, texts ...string) {
	t.Helper()
	if err := b.Uploads().Make(deadline(t), id); err != nil {
		t.Fatal(err)
	}
	if err := carry(t, b, id, texts...); err != nil {
		t.Fatal(err)
	}
}

func carry(t *testing.T, b *bus.Bus, id string, texts ...string) error {
	t.Helper()
	ctx, carrier := deadline(t), b.Carrier()
	push, flush := carrier.Carry(ctx, id)
	files := make([]mapreduce.Carried, 0, len(texts))
	for i, text := range texts {
		files = append(files, mapreduce.Carried{Name: fmt.Sprintf("text %d\xff", i), Size: int64(len(text))})
		for n, chunk := range slices.Collect(slices.Chunk([]byte(text), carrier.ChunkSize())) {
			if err := push(i, n, chunk); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	return carrier.Complete(ctx, id, files)
}

// noise is a text of so many bytes that is no other's.
func noise(bytes int, seed uint64) string {
	random, text := rand.New(rand.NewPCG(seed, 1)), make([]byte, bytes)
	for i := range text {
		text[i] = byte(random.Uint32())
	}
	return string(text)
}

func readCarried(ctx context.Context, b *bus.Bus, source mapreduce.Source, offset, length int64) (string, error) {
	content, err := b.CarriedInputs().Open(ctx, source)
	if err != nil {
		return "", err
	}
	got, err := io.ReadAll(io.NewSectionReader(readerAt(content.Read), offset, length))
	if err == nil {
		err = content.Verify()
	}
	return string(got), errors.Join(err, content.Close())
}

type readerAt func(p []byte, offset int64) (int, error)

func (r readerAt) ReadAt(p []byte, offset int64) (int, error) { return r(p, offset) }

func sources(t *testing.T, b *bus.Bus, input string) []mapreduce.Source {
	t.Helper()
	found, err := b.CarriedInputs().List(deadline(t), input)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestWhatWasCarriedComesBack(t *testing.T) {
	t.Parallel()
	ctx, b := deadline(t), bustest.Start(t, patience).Bus()
	size := b.Carrier().ChunkSize()
	texts := []string{"one\n", "", noise(size, 1), noise(size+1, 2), noise(20*size+77, 3)}
	upload(t, b, "up", texts...)
	for i := range 2 { // before it is kept and after
		for n, source := range sources(t, b, "bus://up") {
			if want := fmt.Sprintf("bus://up/%d/text%%20%d%%FF", n, n); source.Name != want || source.Size != int64(len(texts[n])) {
				t.Errorf("file %d is %s of %d bytes", n, source.Name, source.Size)
			}
			if got, err := readCarried(ctx, b, source, 0, source.Size); err != nil || got != texts[n] {
				t.Errorf("file %d: %d bytes of %d, equal: %v, %v", n, len(got), source.Size, got == texts[n], err)
			}
		}
		if err := b.Uploads().Keep(ctx, "up"); err != nil {
			t.Fatal(i, err)
		}
	}
}

func TestRangesAndPartsOfAnUpload(t *testing.T) {
	t.Parallel()
	ctx, b := deadline(t), bustest.Start(t, patience).Bus()
	text := noise(3*b.Carrier().ChunkSize()+5, 1)
	upload(t, b, "up", "0", text, "2")
	all := sources(t, b, "bus://up")
	for input, want := range map[string][]mapreduce.Source{
		"bus://up/0": all[:1], "bus://up/1-2": all[1:], "bus://up/0-2": all, all[1].Name: all[1:2],
	} {
		if diff := cmp.Diff(want, sources(t, b, input)); diff != "" {
			t.Errorf("%s: %s", input, diff)
		}
	}
	if found, err := b.CarriedInputs().List(ctx, "bus://up/1-3"); !mapreduce.IsPermanent(err) {
		t.Error(found, err)
	}
	chunk := int64(b.Carrier().ChunkSize())
	for _, r := range [][2]int64{{0, 1}, {chunk - 1, 2}, {chunk, chunk}, {2*chunk + 1, chunk + 4}, {3*chunk + 4, 1}, {3 * chunk, 100}, {chunk * 9, 1}} {
		end := min(r[0]+r[1], int64(len(text)))
		want := text[min(r[0], end):end]
		if got, err := readCarried(ctx, b, all[1], r[0], r[1]); err != nil || got != want {
			t.Errorf("range %v: %d bytes of %d, %v", r, len(got), len(want), err)
		}
	}
	content, err := b.CarriedInputs().Open(ctx, all[1])
	if err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int64{3 * chunk, 0, 2 * chunk, 1, chunk} { // back and forth
		p := make([]byte, 3)
		if n, err := content.Read(p, offset); n != 3 || err != nil || string(p) != text[offset:offset+3] {
			t.Errorf("at %d: %d %v", offset, n, err)
		}
	}
	if err := content.Close(); err != nil {
		t.Error(err)
	}
}

func removeMessage(t *testing.T, s *bustest.Server, stream, subject string) {
	t.Helper()
	ctx := deadline(t)
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	found, err := js.Stream(ctx, stream)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := found.GetLastMsgForSubject(ctx, subject)
	if err == nil {
		err = found.DeleteMsg(ctx, msg.Sequence)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestDamageIsSeen(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	b := s.Bus()
	upload(t, b, "up", "text", "text")
	source := sources(t, b, "bus://up")[0]
	sum := func(text string) string { return strconv.FormatUint(xxh3.HashString(text), 16) }
	for data, sum := range map[string]string{"TEXT": sum("text"), "text": "", "texts": sum("texts"), "tex": sum("tex")} {
		damaged := &nats.Msg{Subject: "jetreduce.input.up.0.0", Header: nats.Header{"Jetreduce-Sum": {sum}}, Data: []byte(data)}
		if _, err := s.Conn().RequestMsg(damaged, time.Second); err != nil {
			t.Fatal(err)
		}
		if got, err := readCarried(ctx, b, source, 0, 4); err == nil || !strings.Contains(err.Error(), "is damaged") {
			t.Errorf("%q %v", got, err)
		}
	}
	// Another upload of the same id and size.
	if err := carry(t, b, "up", "TEXT", "more"); err != nil {
		t.Fatal(err)
	}
	if err := carry(t, b, "up", "TEXT", "more", "files"); err != nil {
		t.Fatal(err)
	}
	if got, err := readCarried(ctx, b, source, 0, 4); !errors.Is(err, mapreduce.ErrInputChanged) {
		t.Errorf("%q %v", got, err)
	}
}

func TestMissingChunkIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	b := s.Bus()
	upload(t, b, "up", noise(3*b.Carrier().ChunkSize(), 1))
	source := sources(t, b, "bus://up")[0]
	removeMessage(t, s, "JETREDUCE_INPUT_up", "jetreduce.input.up.0.1")
	_, err := readCarried(ctx, b, source, 0, source.Size)
	if !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), "chunk 2 of 3: the carried input is gone") {
		t.Error(err)
	}
	if err := b.Uploads().Drop(ctx, "up"); err != nil {
		t.Fatal(err)
	}
	if _, err := readCarried(ctx, b, source, 0, 1); !mapreduce.IsPermanent(err) {
		t.Error(err)
	}
}
