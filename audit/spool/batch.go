package spool

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wertfach/wertfach/blobstore"
)

const batchFolder = "batches/"

// Batch is a number of events that were spooled together. All are of one minute.
type Batch struct {
	// Number counts batches, from 1, over all chains.
	Number int64
	// Events is how many there are, Bytes the size of their lines.
	Events int
	Bytes  int64
	// First and Last are the times of the first and the last event.
	First, Last time.Time
	// Since is when it was spooled; for one of an earlier run, the first event's
	// time.
	Since time.Time

	before, mac mac    // keyed hashes of the batch before it, and its own
	lines       []byte // nil where it must be read
}

// mac is a keyed hash.
type mac [sha256.Size]byte

func batchName(number int64) string { return fmt.Sprintf("%s%015d", batchFolder, number) }

func parseBatchName(name string) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimPrefix(name, batchFolder), 10, 64)
	return n, err == nil && n > 0 && batchName(n) == name
}

// batchMAC is the keyed hash of a batch after that of the one before.
func (s *Spool) batchMAC(before mac, number int64, lines []byte) mac {
	m := hmac.New(sha256.New, s.key)
	fmt.Fprintf(m, "wertfach audit spool batch 1\n%x\n%d\n", before, number)
	m.Write(lines)
	return mac(m.Sum(nil))
}

// Append makes a batch durable: so many lines, each with its end, of events of
// one minute. It gives what the spool then holds. Only one Append is under way at
// a time. After an error the batch may be in the spool nonetheless; the next one
// takes its place.
func (s *Spool) Append(ctx context.Context, lines []byte, events int, first, last time.Time) (Batch, error) {
	s.mu.Lock()
	b := Batch{Number: s.next, Events: events, Bytes: int64(len(lines)), First: first, Last: last, before: s.tail, lines: lines}
	s.mu.Unlock()
	b.mac = s.batchMAC(b.before, b.Number, lines)
	file := make([]byte, 0, len(lines)+hex.EncodedLen(len(b.mac)))
	file = hex.AppendEncode(append(file, lines...), b.mac[:])
	if _, err := s.store.Put(ctx, batchName(b.Number), file, blobstore.Condition{}); err != nil {
		return Batch{}, err
	}
	b.Since = time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tail, s.next = b.mac, b.Number+1
	s.bytes += b.Bytes
	s.events += int64(b.Events)
	if s.cached += b.Bytes; s.cached > maxCached {
		s.cached -= b.Bytes
		b.lines = nil
	}
	s.batches = append(s.batches, b)
	return b, nil
}

// maxCached bounds the lines that are kept in memory so that shipping need not
// read what was just written.
const maxCached = 4 << 20

// Lines are the events of a batch that is not shipped, each with its line's end.
func (s *Spool) Lines(ctx context.Context, b Batch) ([]byte, error) {
	if b.lines != nil {
		return b.lines, nil
	}
	lines, sum, err := s.read(ctx, b.Number)
	if err == nil && (sum != b.mac || s.batchMAC(b.before, b.Number, lines) != b.mac) {
		return nil, ErrChanged
	}
	return lines, err
}

func (s *Spool) read(ctx context.Context, number int64) (lines []byte, sum mac, err error) {
	file, _, err := s.store.Get(ctx, batchName(number))
	if err != nil {
		return nil, sum, err
	}
	cut := bytes.LastIndexByte(file, '\n') + 1
	written := file[cut:]
	if cut == 0 || len(written) != hex.EncodedLen(len(sum)) {
		return nil, sum, ErrChanged
	}
	if _, err := hex.Decode(sum[:], written); err != nil {
		return nil, sum, ErrChanged
	}
	return file[:cut], sum, nil
}

// recall reads a batch that an earlier run left, the one after the batch with
// that keyed hash.
func (s *Spool) recall(ctx context.Context, number int64, before mac) (Batch, error) {
	lines, sum, err := s.read(ctx, number)
	if err != nil {
		return Batch{}, err
	}
	if want := s.batchMAC(before, number, lines); !hmac.Equal(sum[:], want[:]) {
		return Batch{}, ErrChanged
	}
	b := Batch{Number: number, Events: bytes.Count(lines, []byte{'\n'}), Bytes: int64(len(lines)), before: before, mac: sum}
	firstLine, _, _ := bytes.Cut(lines, []byte{'\n'})
	lastLine := lines[bytes.LastIndexByte(lines[:len(lines)-1], '\n')+1:]
	if b.First, err = timeOf(firstLine); err == nil {
		b.Last, err = timeOf(lastLine)
	}
	b.Since = b.First
	return b, err
}

func timeOf(line []byte) (time.Time, error) {
	var event struct {
		Time time.Time `json:"time"`
	}
	err := json.Unmarshal(line, &event)
	return event.Time, err
}
