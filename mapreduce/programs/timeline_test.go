package programs_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/mapreducetest"
)

func TestTimesAreFoundByTheirLooks(t *testing.T) {
	for text, want := range map[string]string{
		"2024-05-01T13:59:59Z x":                                "2024-05-01T13:59Z",
		"at 2024-05-01 13:59:59,123 x":                          "2024-05-01T13:59Z",
		"at 2024-05-01T13:59:59.9+02:00 x":                      "2024-05-01T11:59Z",
		"[2024-05-01T00:10:00-0130]":                            "2024-05-01T01:40Z",
		`h - - [01/May/2024:13:59:59 +0200] "GET / HTTP/1.1" 2`: "2024-05-01T11:59Z",
		"May  1 13:59:59 host sshd: x":                          "2024-05-01T13:59Z",
		"<34>Oct 11 22:14:15 host su: x":                        "2024-10-11T22:14Z",
		"1714571999 x":                                          "2024-05-01T13:59Z",
		"1714571999.123 x":                                      "2024-05-01T13:59Z",
		"1714571999123,x":                                       "2024-05-01T13:59Z",
	} {
		got := one(t, "timeline", map[string]string{"by": "minute", "year": "2024"}, text+"\n")
		if diff := cmp.Diff([][2]string{{want, "1"}}, got.Rows); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestTimelineCountsByTheHourOrDayAndLeavesOutWhatHasNoTime(t *testing.T) {
	text := strings.Repeat("2024-05-01T13:59:59Z a\n2024-05-01T13:00:00Z b\nno time\n2024-05-02T00:00:00+01:00 c\n2024-13-01T00:00:00Z\n\n", 3)
	left := mapreduce.Counters{"timeline,left out: no time": 9}
	for by, want := range map[string]string{
		"hour": "2024-05-01T13:00Z\t6\n2024-05-01T23:00Z\t3\n",
		"day":  "2024-05-01\t9\n",
	} {
		got := one(t, "timeline", map[string]string{"by": by}, text)
		if diff := cmp.Diff(want, got.Text()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", by, diff)
		}
		if diff := cmp.Diff(left, got.Counters); diff != "" {
			t.Errorf("%s, counters (-want +got):\n%s", by, diff)
		}
	}
	config := mapreducetest.Config{Args: map[string]string{"strict": "1"}, Inputs: map[string]string{"in": text}}
	_, err := mapreducetest.Try(t.Context(), programNamed(t, "timeline"), config)
	if err == nil || !strings.Contains(err.Error(), `record at byte 46: no time in "no time"`) {
		t.Errorf("strict: %v", err)
	}
}

func TestTimesOfAFormatAndOfAField(t *testing.T) {
	for _, c := range []struct {
		kind mapreduce.Records
		args map[string]string
		text string
		want string
	}{
		{"", map[string]string{"format": "%d/%m/%y %I.%M %p"}, "x 01/05/24 01.30 PM y", "2024-05-01T13:30Z"},
		{"", map[string]string{"format": "%b %e %Y, %H:%M:%S %z 100%%"}, "May  1 2024, 13:30:00 +0100 100%", "2024-05-01T12:30Z"},
		{"", map[string]string{"format": "%Y%j%H%M"}, "20241221330", "2024-05-01T13:30Z"},
		{"", map[string]string{"format": "common"}, "2023-01-01T00:00:00Z [01/May/2024:13:30:59 +0000]", "2024-05-01T13:30Z"},
		{"", map[string]string{"field": "2"}, "1111111111 1714570200", "2024-05-01T13:30Z"},
		{"", map[string]string{"pattern": `end=(\S+)`}, "1111111111 end=1714570200", "2024-05-01T13:30Z"},
		{mapreduce.NDJSON, map[string]string{"field": "at"}, `{"id":1111111111,"at":1714570200123}`, "2024-05-01T13:30Z"},
		{mapreduce.NDJSON, nil, `{"id":1111111111,"at":"2024-05-01T13:30:00Z"}`, "2024-05-01T13:30Z"},
	} {
		config := mapreducetest.Config{Args: mapWith(c.args, "by", "minute"), Records: c.kind, Inputs: map[string]string{"in": c.text}}
		got := mapreducetest.Run(t, programNamed(t, "timeline"), config)
		if diff := cmp.Diff([][2]string{{c.want, "1"}}, got.Rows); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.args, diff)
		}
	}
}

func TestSyslogWithoutAYearIsRefused(t *testing.T) {
	config := mapreducetest.Config{Inputs: map[string]string{"in": "May  1 13:59:59 host x\n"}}
	_, err := mapreducetest.Try(t.Context(), programNamed(t, "timeline"), config)
	if err == nil || !strings.Contains(err.Error(), "use --arg year=YYYY") || !mapreduce.IsPermanent(err) {
		t.Errorf("%v", err)
	}
}
