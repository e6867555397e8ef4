package mapreduce_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"jetreduce/mapreduce"
)

func TestPermanentIsSeenThroughWrapping(t *testing.T) {
	for name, test := range map[string]struct {
		err       error
		permanent bool
	}{
		"nil":               {nil, false},
		"permanent nil":     {mapreduce.Permanent(nil), false},
		"plain":             {io.EOF, false},
		"marked":            {mapreduce.Permanent(io.EOF), true},
		"marked and within": {fmt.Errorf("read a: %w", mapreduce.Permanent(io.EOF)), true},
		"marked twice":      {mapreduce.Permanent(mapreduce.Permanentf("x")), true},
		"joined":            {errors.Join(io.EOF, mapreduce.Permanentf("x")), true},
		"input changed":     {fmt.Errorf("%w: a: grew", mapreduce.ErrInputChanged), true},
		"runs lost":         {mapreduce.ErrRunsLost, false},
		"deposed":           {mapreduce.ErrDeposed, false},
		"not mine":          {mapreduce.ErrNotMine, false},
	} {
		if got := mapreduce.IsPermanent(test.err); got != test.permanent {
			t.Errorf("%s: permanent is %t", name, got)
		}
	}
}

func TestPermanentKeepsWordsAndCause(t *testing.T) {
	err := mapreduce.Permanentf("open a: %w", io.ErrUnexpectedEOF)
	if err.Error() != "open a: unexpected EOF" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v", err)
	}
	if mapreduce.Permanent(nil) != nil {
		t.Error("nothing became an error")
	}
}
