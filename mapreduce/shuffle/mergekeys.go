package shuffle

import (
	"bytes"

	"github.com/zeebo/xxh3"

	"jetreduce/mapreduce"
)

// begin is the plain key with which the group under way begins. It notes what the group shares.
// The reducer gets a copy: one that changes the key must not change which records are its group's. Of a large key there is no second copy.
func (m *Merge) begin() ([]byte, error) {
	key, err := m.keying.Plain(m.key)
	if err == nil && m.keying.Group != nil {
		m.shared = append(m.shared[:0], m.keying.Group(key)...)
	}
	if len(key) > keepRecord {
		m.sum = xxh3.Hash(m.key)
		return key, err
	}
	m.lent = append(m.lent[:0], key...)
	return m.lent, err
}

// unchanged refuses what a reducer has made of a large key.
func (m *Merge) unchanged() error {
	if len(m.key) > keepRecord && xxh3.Hash(m.key) != m.sum {
		return mapreduce.Permanentf("the reducer changed its key, which is lent: %.64q", m.key)
	}
	return nil
}

// shares reports whether a record's key belongs to the group under way, of a Keying with a Group.
func (m *Merge) shares(key []byte) bool {
	plain, err := m.keying.Plain(key)
	if err != nil {
		m.err = err
		return false
	}
	return bytes.Equal(m.keying.Group(plain), m.shared)
}
