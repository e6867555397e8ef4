package jetreduce

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

// Record is one record of an input: a line, if the job says nothing else. It is valid during the call; what its methods return may be kept.
type Record struct {
	Input  string            // its name
	Offset int64             // of the record in it, in bytes
	Data   []byte            // without what ends it
	Kind   mapreduce.Records // what a record of the job is
}

// Text is the record as a string.
func (r Record) Text() string { return string(r.Data) }

// Fields are those of the record between blanks.
func (r Record) Fields() []string { return strings.Fields(string(r.Data)) }

// Words are those that the program wordcount counts: lower-cased, without ASCII digits and punctuation.
func (r Record) Words() iter.Seq[string] {
	return func(yield func(string) bool) {
		var words programs.Words
		words.Reset(r.Data)
		for word := words.Next(); word != nil; word = words.Next() {
			if !yield(string(word)) {
				return
			}
		}
	}
}

// CSV are the fields of a record of CSV, with commas between.
func (r Record) CSV() ([]string, error) {
	fields, err := csv.NewReader(bytes.NewReader(r.Data)).Read()
	if err != nil {
		return nil, fmt.Errorf("read csv: %w", err)
	}
	return fields, nil
}

// JSON decodes a record of JSON, as json.Unmarshal does.
func (r Record) JSON(into any) error { return json.Unmarshal(r.Data, into) }

// Message is a record of a stream that is read as messages: stream://STREAM?as=json.
func (r Record) Message() (mapreduce.Message, error) { return mapreduce.ParseMessage(r.Data) }
