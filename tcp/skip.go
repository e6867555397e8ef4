package tcp

import "bytes"

// skip reads a value that nobody needs.
func (s *scanner) skip(depth int) error {
	if depth > maxDepth {
		return errTooDeep
	}
	switch c := s.peek(); {
	case c == '{':
		return s.skipObject(depth)
	case c == '[':
		return s.skipArray(depth)
	case c == '"':
		return s.skipString()
	case c == '-' || c >= '0' && c <= '9':
		_, err := s.number()
		return err
	}
	for _, word := range []string{"true", "false", "null"} {
		if s.word(word) {
			return nil
		}
	}
	return s.unexpected("a value")
}

// word takes a literal if it is what follows.
func (s *scanner) word(word string) bool {
	s.space()
	if !bytes.HasPrefix(s.text[s.at:], []byte(word)) {
		return false
	}
	s.at += len(word)
	return true
}

// skipString leaves the string as it is: it may be read later.
func (s *scanner) skipString() error {
	s.at++
	var aside [4]byte
	for s.at < len(s.text) {
		c := s.text[s.at]
		s.at++
		switch {
		case c == '"':
			return nil
		case c < ' ':
			return errControl
		case c == '\\':
			if _, err := s.escape(aside[:0]); err != nil {
				return err
			}
		}
	}
	return errEnds
}

func (s *scanner) skipArray(depth int) error {
	return s.each('[', ']', func() error { return s.skip(depth + 1) })
}

func (s *scanner) skipObject(depth int) error {
	return s.each('{', '}', func() error {
		if s.peek() != '"' {
			return s.unexpected("a name")
		}
		if err := s.skipString(); err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		return s.skip(depth + 1)
	})
}

// number reads any number, and is its text.
func (s *scanner) number() ([]byte, error) {
	s.space()
	begin := s.at
	s.one("-")
	if !s.one("0") && !s.digits() {
		return nil, s.unexpected("a digit")
	}
	if s.one(".") && !s.digits() {
		return nil, s.unexpected("a digit")
	}
	if s.one("eE") {
		s.one("+-")
		if !s.digits() {
			return nil, s.unexpected("a digit")
		}
	}
	return s.text[begin:s.at:s.at], nil
}

// one takes one of some bytes, if it follows.
func (s *scanner) one(of string) bool {
	if s.at == len(s.text) || bytes.IndexByte([]byte(of), s.text[s.at]) < 0 {
		return false
	}
	s.at++
	return true
}

func (s *scanner) digits() bool {
	begin := s.at
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at > begin
}
