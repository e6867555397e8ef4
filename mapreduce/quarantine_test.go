package mapreduce_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

// Whatever stands in names and words: the list fits a message, in the commit of one map, in records and in an answer.
func TestListsOfBadRecordsFitMessages(t *testing.T) {
	for name, text := range map[string]string{
		"plain": "x", "control": "\x01", "markup": "<", "no text": "\xff", "wide": "語", "quotes": `"\`, "separator": "\u2028",
	} {
		t.Run(name, func(t *testing.T) {
			all := make([]mapreduce.BadRecord, mapreduce.MaxSkipBad+7)
			for i := range all {
				all[i] = mapreduce.BadRecord{
					Source: strings.Repeat(text, 3000), Offset: 1 << 62, Length: 1 << 62, Reason: strings.Repeat(text, 3000),
				}
			}
			fitted := mapreduce.FitBad(all)
			mustFit(t, fitted, mapreduce.MaxMessage*3/4)
			if len(fitted) != mapreduce.MaxSkipBad || fitted[0].Source == "" || fitted[len(fitted)-1].Source == "" {
				t.Errorf("%d records, from %q to %q", len(fitted), fitted[0].Source, fitted[len(fitted)-1].Source)
			}
			sum := 0
			for i, part := range mapreduce.Parts(fitted) {
				mustFit(t, part, mapreduce.MaxMessage/2)
				if sum += len(part.Records); part.Part != i || len(part.Records) == 0 {
					t.Errorf("part %d is called %d, and has %d records", i, part.Part, len(part.Records))
				}
			}
			if sum != len(fitted) {
				t.Errorf("the parts have %d records of %d", sum, len(fitted))
			}
		})
	}
}

func mustFit(t *testing.T, v any, most int) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil || len(text) > most {
		t.Errorf("%d bytes, %d at most: %v", len(text), most, err)
	}
}

func TestFewBadRecordsKeepTheirWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := mapreduce.BadRecord{
			Source: rapid.StringN(1, 100, 200).Draw(t, "source"), Offset: rapid.Int64().Draw(t, "offset"), Reason: rapid.StringN(0, 100, 200).Draw(t, "reason"),
		}
		if fitted := mapreduce.FitBad([]mapreduce.BadRecord{b}); len(fitted) != 1 || fitted[0] != b {
			t.Errorf("%+v became %+v", b, fitted)
		}
	})
}
