package bus

import (
	"context"
	"encoding/json"
	"maps"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// subjectsPage is an answer to how a stream stands, with some of its subjects.
type subjectsPage struct {
	Error *jetstream.APIError `json:"error"`
	*jetstream.StreamInfo
	Total int `json:"total"` // subjects on all pages
}

// withSubjects is how a stream stands, and the subjects that it holds. The list may have fewer than the stream: pages are JSON, in
// which subjects that are not UTF-8 have one name together, and who pages until all names have come pages for ever.
func (b *Bus) withSubjects(ctx context.Context, name string) (*jetstream.StreamInfo, error) {
	return b.askedOf(ctx, name, func(ctx context.Context) (*jetstream.StreamInfo, error) {
		subjects := map[string]uint64{}
		for {
			page, err := b.subjectsPage(ctx, name, len(subjects))
			if err != nil {
				return nil, err
			}
			known := len(subjects)
			maps.Copy(subjects, page.State.Subjects)
			if len(subjects) == known || len(subjects) >= page.Total {
				page.State.Subjects = subjects
				return page.StreamInfo, nil
			}
		}
	})
}

func (b *Bus) subjectsPage(ctx context.Context, name string, offset int) (page subjectsPage, err error) {
	request, err := json.Marshal(map[string]any{"subjects_filter": ">", "offset": offset})
	if err != nil {
		return page, mapreduce.Permanent(err)
	}
	answer, err := b.nc.RequestWithContext(ctx, "$JS.API.STREAM.INFO."+name, request)
	if err != nil {
		return page, err
	}
	if err := decode("stream info", answer.Data, &page); err != nil {
		return page, mapreduce.Permanent(err)
	}
	switch {
	case page.Error != nil:
		return page, page.Error
	case page.StreamInfo == nil:
		return page, mapreduce.Permanentf("an answer without a stream")
	}
	return page, nil
}
