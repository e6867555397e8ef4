package bus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"jetreduce/mapreduce"
)

// readJob reads a description, and refuses what this version does not know rather than run another job than was asked for. Of one that
// it refuses, job has the id and the program all the same, if they can be read: users look for a job under its id.
func readJob(data []byte, job *mapreduce.Job) error {
	read, err := describe(data)
	if err != nil {
		var named struct {
			ID      mapreduce.JobID `json:"id"`
			Program string          `json:"program"`
		}
		_ = json.Unmarshal(data, &named) // what stands there in spite of what is wrong
		read = mapreduce.Job{ID: named.ID, Program: named.Program}
	}
	*job = read
	return err
}

// description is a job as its JSON has it: where its output goes may also be a text.
type description struct {
	mapreduce.Job
	Output json.RawMessage `json:"output"`
}

func describe(data []byte) (mapreduce.Job, error) {
	var d description
	if len(bytes.TrimSpace(data)) == 0 {
		return d.Job, errors.New("it is empty: send one object, such as " + smallest)
	}
	if !utf8.Valid(data) { // what is no UTF-8 would be read as another name
		return d.Job, errors.New("it is not UTF-8: name such a file by a file:// URL with %XX in it")
	}
	if err := strictly(data, &d); err != nil {
		return d.Job, explained(err, "")
	}
	if err := exactly(data, ""); err != nil || len(d.Output) == 0 {
		return d.Job, err
	}
	if err := json.Unmarshal(d.Output, &d.Job.Output); err != nil {
		return d.Job, explained(err, "output.")
	}
	if bytes.HasPrefix(bytes.TrimSpace(d.Output), []byte("{")) {
		type target mapreduce.Target // which does not read itself, and so refuses what it does not know
		if err := strictly(d.Output, new(target)); err != nil {
			return d.Job, explained(err, "output.")
		}
		return d.Job, exactly(d.Output, "output.")
	}
	return d.Job, nil
}

// exactly refuses an object in which a field stands twice, or in another case: the decoder would take one of them, and say nothing.
func exactly(data []byte, within string) error {
	decoder, known, seen := json.NewDecoder(bytes.NewReader(data)), strings.Fields(knownFields(within)), map[string]bool{}
	if begin, err := decoder.Token(); err != nil || begin != json.Delim('{') {
		return err // null: what is missing is said elsewhere
	}
	for decoder.More() {
		token, err := decoder.Token()
		name, _ := token.(string)
		switch {
		case err != nil:
			return err
		case seen[name]:
			return fmt.Errorf("field %q stands twice", within+name)
		case !slices.Contains(known, name):
			return fmt.Errorf("unknown field %q: this version does not know it; it knows %s", within+name, knownFields(within))
		}
		seen[name] = true
		if err := decoder.Decode(new(json.RawMessage)); err != nil {
			return err
		}
	}
	return nil
}

// smallest is the smallest job.
const smallest = `{"program":"wordcount","inputs":["/data/book.txt"]}`

// strictly reads one value of JSON, whose fields are all known.
func strictly(data []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
}

// explained is what the decoder says, in words for whoever wrote the JSON. Within is in front of the names of fields.
func explained(err error, within string) error {
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		return misfit(wrong, within)
	case errors.As(err, &syntax):
		return fmt.Errorf("it is no JSON: %w, at byte %d: send one object, such as %s", err, syntax.Offset, smallest)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it is no JSON: it ends before its last bracket")
	}
	if field, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		field = `"` + within + strings.TrimPrefix(field, `"`)
		return fmt.Errorf("unknown field %s: this version does not know it; it knows %s", field, knownFields(within))
	}
	return err
}

// knownFields is the names of the fields that there are.
func knownFields(within string) string {
	of := reflect.TypeFor[mapreduce.Job]()
	if within != "" {
		of = reflect.TypeFor[mapreduce.Target]()
	}
	var names []string
	for _, field := range reflect.VisibleFields(of) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// misfit says what is expected where something else stands.
func misfit(wrong *json.UnmarshalTypeError, within string) error {
	field := wrong.Field[strings.LastIndexByte(wrong.Field, '.')+1:] // the path begins with the type that has the field
	if field == "" && within == "" {
		return fmt.Errorf("it is %s: send one object, such as %s", article(wrong.Value), smallest)
	}
	name := strings.TrimSuffix(within+field, ".")
	return fmt.Errorf("field %q is %s: use %s", name, article(wrong.Value), expected(name, wrong.Type))
}

// article is what the decoder calls a value, with its article; of a number that does not fit, it is the number.
func article(value string) string {
	if number, is := strings.CutPrefix(value, "number "); is {
		return mapreduce.Abridge(number, 32)
	}
	if value == "bool" {
		return "true or false"
	}
	if strings.ContainsAny(value[:min(1, len(value))], "aeiou") {
		return "an " + value
	}
	return "a " + value
}

// expected is what a field takes.
func expected(field string, t reflect.Type) string {
	switch {
	case field == "inputs" || field == "files":
		return `a list of texts, such as ["/data/book.txt"]`
	case field == "args":
		return `an object of texts, such as {"n":"3"}`
	case field == "output":
		return `a text, such as "file:///data/out.csv", or an object, such as {"to":"file:///data/out.csv"}`
	case t.Kind() == reflect.String:
		return "a text, in quotes"
	case t.Kind() == reflect.Bool:
		return "true or false"
	}
	return "a whole number, without quotes"
}
