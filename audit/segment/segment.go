package segment

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"
)

// MaxSize bounds a segment, in bytes. Writers stay far below.
const MaxSize = 8 << 20

// Segment is one that was read.
type Segment struct {
	Header Header
	// Lines are the events, each a JSON object without the line's end.
	Lines [][]byte
	// Body are the same lines as they stand, each with its end.
	Body []byte
	// Last is the time of the last event, or the header's where there is none.
	Last time.Time
	// Hash is the SHA-256 of the whole, which the next segment names.
	Hash string

	seal seal
}

// Seal makes a segment of a header and lines, each with its end.
func Seal(ctx context.Context, signer Signer, h Header, lines []byte) ([]byte, error) {
	h.Format = Format
	if err := h.check(); err != nil {
		return nil, err
	}
	body, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	body = append(append(body, '\n'), lines...)
	return addSeal(ctx, signer, segmentDomain, h.Chain, h.Number, body)
}

// Open reads a segment and verifies it, as far as it can be verified without the
// others of its chain. What is wrong is an error whose text tells it.
func Open(file []byte, keys Keys) (*Segment, error) {
	s, err := parse(file)
	if err != nil {
		return nil, err
	}
	if err := s.seal.verify(keys, segmentDomain, s.Header.Chain, s.Header.Number); err != nil {
		return nil, err
	}
	return s, nil
}

// Read reads a segment without verifying its signature: for what was made here.
func Read(file []byte) (*Segment, error) { return parse(file) }

func parse(file []byte) (*Segment, error) {
	if len(file) > MaxSize {
		return nil, errors.New("it is larger than a segment can be")
	}
	body, seal, err := splitSeal(file)
	if err != nil {
		return nil, err
	}
	first, rest, _ := bytes.Cut(body, []byte{'\n'})
	s := &Segment{Hash: Hash(file), seal: seal}
	if err := json.Unmarshal(first, &s.Header); err != nil {
		return nil, errors.New("its first line is no header")
	}
	if err := s.Header.check(); err != nil {
		return nil, err
	}
	s.Last, s.Body = s.Header.Time, rest
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte{'\n'})
		s.Lines = append(s.Lines, line)
	}
	if (s.Header.Kind == Events) != (len(s.Lines) > 0) {
		return nil, errors.New("its kind does not fit the number of its events")
	}
	return s, s.checkTimes()
}

// checkTimes is whether the events are in order, and all of the header's minute.
func (s *Segment) checkTimes() error {
	for i, line := range s.Lines {
		var event struct {
			Time time.Time `json:"time"`
		}
		switch err := json.Unmarshal(line, &event); {
		case err != nil:
			return errors.New("one of its lines is no event")
		case i == 0 && !event.Time.Equal(s.Header.Time):
			return errors.New("its time is not that of its first event")
		case event.Time.Before(s.Last):
			return errors.New("its events are not in the order of their times")
		case !SameMinute(event.Time, s.Header.Time):
			return errors.New("its events are not all of one minute")
		}
		s.Last = event.Time
	}
	return nil
}

// NextEvent is the number that the event after this segment has.
func (s *Segment) NextEvent() int64 { return s.Header.FirstEvent + int64(len(s.Lines)) }

// Link names the segment.
func (s *Segment) Link() Link {
	return Link{Chain: s.Header.Chain, Number: s.Header.Number, Hash: s.Hash}
}

// Next is the header of the segment after this one, without kind and time.
func (s *Segment) Next() Header {
	return Header{
		Format: Format, Chain: s.Header.Chain, Number: s.Header.Number + 1, FirstEvent: s.NextEvent(),
		Previous: s.Hash, PreviousTime: s.Header.Time, Server: s.Header.Server,
	}
}

// Follows is nil if s is the next segment of its chain after the one whose Next
// and Last these are.
func (s *Segment) Follows(next Header, last time.Time) error {
	h := s.Header
	switch {
	case h.Number != next.Number:
		return errors.New("it is not the next segment of its chain")
	case h.Previous != next.Previous || !h.PreviousTime.Equal(next.PreviousTime):
		return errors.New("the segment before it is another than the one that it names")
	case h.FirstEvent != next.FirstEvent:
		return errors.New("its events are not numbered after those before it")
	case h.Time.Before(last):
		return errors.New("it is older than the last event before it")
	case h.Server != next.Server:
		return errors.New("it names another server than the one before it")
	}
	return nil
}
