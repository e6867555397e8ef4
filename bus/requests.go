package bus

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// submissions hands in the jobs that stand in the jobs stream. An accepted one is deleted there, so that what stands
// there is what a leader has not taken up.
func (f *Feed) submissions() error {
	return f.follow(f.bus.names.jobs(), func(msg jetstream.Msg) error {
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		job := submitted(msg.Data(), meta.Sequence.Stream, "")
		job.Exec = msg.Subject() == f.bus.names.execSubject()
		f.emit(job)
		return nil
	}, func(uint64) {})
}

func submitted(data []byte, seq uint64, reply string) mapreduce.Submitted {
	submitted := mapreduce.Submitted{Seq: seq, Reply: reply}
	if err := readJob(data, &submitted.Job); err != nil {
		submitted.Bad = abridge(fmt.Sprintf("the job cannot be read: %v", err), maxBad)
	}
	return submitted
}

// maxBad is how many bytes are said about a job that cannot be read: what is wrong with it is quoted, however long.
const maxBad = 700

// abridge cuts a text after so many bytes, between two runes.
func abridge(text string, most int) string {
	const more = "…"
	if len(text) <= most {
		return text
	}
	end := most - len(more)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + more
}

// beats hands in heartbeats.
func (f *Feed) beats() (stop func(), err error) {
	sub, err := f.bus.nc.Subscribe(f.bus.names.beats(), func(msg *nats.Msg) {
		var beat mapreduce.Beat
		err := json.Unmarshal(msg.Data, &beat)
		if err == nil {
			err = beat.Check()
		}
		if err != nil || beat.Version != mapreduce.RecordVersion {
			f.log.Warn("heartbeat that cannot be read", "subject", msg.Subject, "version", beat.Version, "cause", err)
			return
		}
		f.emit(beat)
	})
	if err != nil {
		return nil, fmt.Errorf("listen for heartbeats: %w", err)
	}
	return func() { _ = sub.Unsubscribe() }, nil
}
