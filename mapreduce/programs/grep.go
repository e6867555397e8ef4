package programs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"

	"jetreduce/mapreduce"
)

// grep finds lines, in the order of the input. It is map only.
func grep() mapreduce.Program {
	return mapreduce.Program{
		Name: "grep",
		Doc:  "find lines: --arg literal=TEXT or pattern=RE2; where=file or where=offset says where each was",
		Noun: "lines found", Bare: true, Mapper: newFinder,
	}
}

// finder emits each line that matches: alone, or behind where it was.
type finder struct {
	search  search
	where   string
	scratch []byte
}

// search finds the first line at or behind the beginning of a text that matches: from, to (without its LF); from is -1 when none does.
type search func(text []byte) (from, to int)

const (
	inFile   = "file"
	atOffset = "offset"
)

func newFinder(args map[string]string) (mapreduce.Mapper, error) {
	f := &finder{}
	var err error
	for name, value := range args {
		switch name {
		case "literal":
			f.search = literal([]byte(value))
		case "pattern":
			f.search, err = pattern(value)
		case "where":
			f.where = value
		default:
			err = fmt.Errorf("grep knows no argument %s: use literal, pattern and where", name)
		}
		if err != nil {
			return nil, err
		}
	}
	_, both := args["literal"]
	if _, also := args["pattern"]; both == also {
		return nil, errors.New("grep for what? use --arg literal=TEXT or --arg pattern=RE2")
	}
	if f.where != "" && f.where != inFile && f.where != atOffset {
		return nil, fmt.Errorf("where=%s: use %s or %s", f.where, inFile, atOffset)
	}
	return f, nil
}

func (f *finder) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("grep %s at %d: %w", batch.Source, batch.Offset, err)
	}
	if !batch.Records.AreLines() {
		f.searchEach(batch, out)
		return nil
	}
	for at := 0; at < len(batch.Data); {
		from, to := f.search(batch.Data[at:])
		if from < 0 {
			return nil
		}
		f.emit(batch, at+from, at+to, out)
		at += to + 1
	}
	return nil
}

// searchEach looks into one record after the other: those that may have LFs in them are found whole.
func (f *finder) searchEach(batch mapreduce.Batch, out mapreduce.Output) {
	for offset, record := range batch.Each() {
		if from, _ := f.search(record); from >= 0 {
			at := int(offset - batch.Offset)
			f.emit(batch, at, at+len(record), out)
		}
	}
}

func (f *finder) emit(batch mapreduce.Batch, from, to int, out mapreduce.Output) {
	line := batch.Data[from:to]
	if f.where == "" {
		out.Emit(line, nil)
		return
	}
	f.scratch = append(f.scratch[:0], batch.Source...)
	if f.where == atOffset {
		f.scratch = strconv.AppendInt(append(f.scratch, ':'), batch.Offset+int64(from), 10)
	}
	out.Emit(f.scratch, line)
}

// lineAt is the line that a place of a text is in.
func lineAt(text []byte, at int) (from, to int) {
	from, to = bytes.LastIndexByte(text[:at], '\n')+1, bytes.IndexByte(text[at:], '\n')
	if to < 0 {
		return from, len(text)
	}
	return from, at + to
}

// literal finds lines that hold a text. One with a LF is in none.
func literal(what []byte) search {
	return func(text []byte) (int, int) {
		at := bytes.Index(text, what)
		if at < 0 || bytes.IndexByte(what, '\n') >= 0 {
			return -1, 0
		}
		return lineAt(text, at)
	}
}

// pattern finds lines that match a regular expression. It is looked for in the whole text, since most lines do not match.
func pattern(text string) (search, error) {
	line, err := inLines(text)
	if err != nil {
		return nil, fmt.Errorf("pattern: %w", err)
	}
	return func(text []byte) (int, int) {
		found := line.FindIndex(text)
		if found == nil {
			return -1, 0
		}
		from, to := lineAt(text, found[0])
		if from == len(text) { // behind the last LF is no line
			return -1, 0
		}
		return from, to
	}, nil
}

// inLines is a regular expression that finds in a text of many lines what this one finds in each alone. What it finds lies within a
// line: one that went on to later lines would be looked for in them again and again.
func inLines(text string) (*regexp.Regexp, error) {
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	byLine(tree)
	return regexp.Compile(tree.String())
}

// byLine makes the ends of the text those of lines, and has nothing match a LF.
func byLine(tree *syntax.Regexp) {
	switch tree.Op {
	case syntax.OpBeginText:
		tree.Op = syntax.OpBeginLine
	case syntax.OpEndText:
		tree.Op = syntax.OpEndLine
		tree.Flags &^= syntax.WasDollar
	case syntax.OpAnyChar:
		tree.Op = syntax.OpAnyCharNotNL
	case syntax.OpLiteral:
		if slices.Contains(tree.Rune, '\n') {
			tree.Op, tree.Rune = syntax.OpNoMatch, nil
		}
	case syntax.OpCharClass:
		if tree.Rune = withoutLF(tree.Rune); len(tree.Rune) == 0 {
			tree.Op = syntax.OpNoMatch
		}
	}
	for _, sub := range tree.Sub {
		byLine(sub)
	}
}

// withoutLF is a class, pairs of first and last, that no longer holds LF. The one given stays: others may share its memory.
func withoutLF(class []rune) []rune {
	var rest []rune
	for pair := range slices.Chunk(class, 2) {
		first, last := pair[0], pair[1]
		if first > '\n' || last < '\n' {
			rest = append(rest, first, last)
			continue
		}
		if first < '\n' {
			rest = append(rest, first, '\n'-1)
		}
		if last > '\n' {
			rest = append(rest, '\n'+1, last)
		}
	}
	return rest
}
