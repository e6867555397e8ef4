package tcp

import (
	"errors"
	"fmt"
	"slices"
)

// object reads a message's fields, in any order: what comes before the task is read when the task is known.
type object struct {
	scanner
	into  *message
	met   []string
	later []field
}

// field is where a field's value stands.
type field struct {
	name string
	at   int
}

func (o *object) has(name string) bool { return slices.Contains(o.met, name) }

func (o *object) read() error {
	if err := o.each('{', '}', o.field); err != nil {
		return err
	}
	if o.peek() != 0 || o.at < len(o.text) {
		return o.unexpected("the end")
	}
	if o.into.task == "" {
		return errors.New("no task")
	}
	for _, field := range o.later {
		o.at = field.at
		if err := o.take(field.name); err != nil {
			return err
		}
	}
	return nil
}

// field reads a name and a value.
func (o *object) field() error {
	text, err := o.str()
	if err != nil {
		return err
	}
	if err := o.expect(':'); err != nil {
		return err
	}
	name, known := names[string(text)]
	if !known {
		return o.skip(1)
	}
	if o.has(name) {
		return fmt.Errorf("%s twice", name)
	}
	o.met = append(o.met, name)
	if name != "task" && o.into.task == "" {
		o.space()
		o.later = append(o.later, field{name, o.at})
		return o.skip(1)
	}
	return o.take(name)
}

// names is all that a message may hold and we read.
var names = map[string]string{
	"task": "task", "id": "id", "framing": "framing", "blob": "blob", "value": "value", "addr": "addr", "native": "native", "index": "index",
}

// take reads a field's value, if the task has such a field.
func (o *object) take(name string) error {
	if name == "task" {
		return o.task()
	}
	fields := fieldsOf[o.into.task]
	if !slices.Contains(fields.needs, name) && !slices.Contains(fields.may, name) {
		return o.skip(1)
	}
	if err := o.known(name); err != nil {
		return fmt.Errorf("%s of %s: %w", name, o.into.task, err)
	}
	return nil
}

func (o *object) known(name string) (err error) {
	switch name {
	case "id":
		return o.id()
	case "framing":
		return o.framing()
	case "native":
		return o.native()
	case "addr":
		return o.addr()
	case "index":
		return o.index()
	case "value":
		return o.value()
	}
	o.into.blob, err = o.str()
	return err
}

func (o *object) task() error {
	text, err := o.str()
	if err != nil {
		return fmt.Errorf("task: %w", err)
	}
	for task := range fieldsOf {
		if string(text) == task {
			o.into.task = task
			return nil
		}
	}
	return fmt.Errorf("unknown task %.40q", text)
}

// id may be a number too.
func (o *object) id() error {
	read := o.number
	if o.peek() == '"' {
		read = o.str
	}
	text, err := read()
	if err == nil && len(text) > maxName {
		err = fmt.Errorf("%d bytes, and %d are allowed", len(text), maxName)
	}
	o.into.id = string(text)
	return err
}

// framing that we do not know is as good as none.
func (o *object) framing() error {
	if o.peek() != '"' {
		return o.skip(1)
	}
	text, err := o.str()
	o.into.length = string(text) == "length"
	return err
}

func (o *object) native() error {
	o.into.native = o.word("true")
	if o.into.native {
		return nil
	}
	return o.skip(1)
}

func (o *object) index() error {
	n, err := o.integer()
	o.into.index = int(n)
	return err
}
