package roles

import (
	"context"
	"fmt"

	"jetreduce/mapreduce"
)

// noWeb is the web to a worker that fetches nothing from there: another worker may.
type noWeb struct{}

func (noWeb) List(_ context.Context, input string) ([]mapreduce.Source, error) {
	return nil, unfetched(input)
}

func (noWeb) Open(_ context.Context, source mapreduce.Source) (mapreduce.Content, error) {
	return mapreduce.Content{}, unfetched(source.Name)
}

func unfetched(name string) error {
	return fmt.Errorf("input %s: this worker fetches nothing from the web (--no-http): %w", name, mapreduce.ErrAbsent)
}
