package coordinator_test

import (
	"errors"
	"slices"
	"testing"

	"jetreduce/mapreduce"
)

// ending is the events of a job u1 that is cancelled.
func ending() []mapreduce.Event {
	return []mapreduce.Event{submitted(9, count()), planned(2), mapreduce.End{Version: 1, UID: "u1", State: mapreduce.Cancelled}}
}

func TestTimelineIsKeptBehindTheRecordAndBeforeItIsForgotten(t *testing.T) {
	asked, err := lead(nil, ending()...)
	if !errors.Is(err, errScriptEnds) {
		t.Errorf("ended with %v", err)
	}
	record, keep := slices.Index(asked, "write u1 cancelled"), slices.Index(asked, "keep the timeline of u1")
	if forget := slices.Index(asked, "forget u1, whole: false"); record < 0 || keep < record || forget < keep {
		t.Errorf("asked: %q", asked)
	}
}

// A picture is not worth a leadership, and jobs that end by the hundred do not wait for one that is not there.
func TestArchiveThatRefusesIsLeftAlone(t *testing.T) {
	refuse := map[string]error{"keep the timeline of u1": errors.New("no answer")}
	asked, err := lead(refuse, append(ending(), mapreduce.Asked{Want: mapreduce.WantRemove, Job: "count", Reply: "r"})...)
	if !errors.Is(err, errScriptEnds) || !slices.Contains(asked, "answer r") {
		t.Errorf("ended with %v, having asked %q", err, asked)
	}
	if !slices.Contains(asked, "keep the timeline of u1") || slices.Contains(asked, "drop the timeline of u1") {
		t.Errorf("asked: %q", asked)
	}
}
