package custody

import (
	"bytes"
	"encoding/json"
	"errors"
)

// The record within the sealed object of the index secret; docs/format.md
// describes it. It has exactly one encoding.
type indexRecord struct {
	Root    []byte               `json:"root"`
	Index   []indexRecordVersion `json:"index"`
	Writing int32                `json:"writing"`
}

type indexRecordVersion struct {
	Version int32  `json:"version"`
	Secret  []byte `json:"secret"`
}

// mostIndexVersions is how many versions there are at most: two while one takes
// over from the other.
const mostIndexVersions = 2

var errIndexRecord = errors.New("the index secret in the store can't be read: it is damaged, or of another release")

func (s IndexSecret) record() ([]byte, error) {
	r := indexRecord{Root: s.key, Writing: s.index.writing}
	for _, v := range s.index.versions {
		r.Index = append(r.Index, indexRecordVersion{v.number, v.key})
	}
	return json.Marshal(r)
}

// parseIndexSecret reads a record. It takes only what record writes.
func parseIndexSecret(data []byte) (IndexSecret, error) {
	var r indexRecord
	if err := json.Unmarshal(data, &r); err != nil {
		return IndexSecret{}, errIndexRecord // the library's error may quote the secret
	}
	s := IndexSecret{key: r.Root, index: index{writing: r.Writing}}
	for _, v := range r.Index {
		s.index.versions = append(s.index.versions, indexVersion{v.Version, v.Secret})
	}
	again, err := s.record()
	if err != nil || !bytes.Equal(again, data) || !s.sound() {
		return IndexSecret{}, errIndexRecord
	}
	return s, nil
}

// sound says whether all secrets are there and have their length, and the
// versions are numbered upwards from 1 with the one that is written under
// among them.
func (s IndexSecret) sound() bool {
	_, writing := s.index.key(s.index.writing)
	sound := len(s.key) == secretSize && writing && len(s.index.versions) <= mostIndexVersions
	before := int32(0)
	for _, v := range s.index.versions {
		sound = sound && v.number > before && len(v.key) == secretSize
		before = v.number
	}
	return sound
}
