package segment

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// signer signs with a key of its own; its seed is fixed.
type signer struct {
	key    ed25519.PrivateKey
	spoilt bool
	err    error
}

func newSigner(seed byte) signer {
	return signer{key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))}
}

func (s signer) public() ed25519.PublicKey { return s.key.Public().(ed25519.PublicKey) }

func (s signer) Sign(_ context.Context, message []byte) ([]byte, ed25519.PublicKey, error) {
	sig := ed25519.Sign(s.key, message)
	if s.spoilt {
		sig[0] ^= 1
	}
	return sig, s.public(), s.err
}

func (s signer) PublicKeys(context.Context) ([]ed25519.PublicKey, error) {
	return []ed25519.PublicKey{s.public()}, nil
}

const testChain = "20261122-abcdefghijklmnopqrstuvwxyz"

var begin = time.Date(2026, 11, 22, 8, 30, 0, 123456000, time.UTC)

func line(at time.Time) []byte {
	return fmt.Appendf(nil, `{"id":"x","time":%q,"action":"A/B","code":"OK"}`+"\n", at.Format(time.RFC3339Nano))
}

// first is a chain's first segment.
func first(t testing.TB, s signer) []byte {
	t.Helper()
	file, err := Seal(context.Background(), s, Header{Chain: testChain, Number: 1, Kind: Events, Time: begin, FirstEvent: 1, Server: "one"}, append(line(begin), line(begin.Add(time.Second))...))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	s := newSigner(1)
	keys := NewKeys([]ed25519.PublicKey{newSigner(2).public(), s.public(), nil})
	file := first(t, s)
	got, err := Open(file, keys)
	if err != nil || len(got.Lines) != 2 || got.NextEvent() != 3 || got.Hash != Hash(file) || !got.Last.Equal(begin.Add(time.Second)) {
		t.Fatalf("%+v, %v", got, err)
	}
	if want := "segments/2026-11-22/08/3000.123-" + testChain + "-000000000001"; got.Header.Object() != want {
		t.Errorf("it is called %s", got.Header.Object())
	}
	next := got.Next()
	next.Kind, next.Time = Closed, got.Last
	after, err := Seal(t.Context(), s, next, nil)
	if err != nil {
		t.Fatal(err)
	}
	closed, err := Open(after, keys)
	if err != nil || closed.Follows(got.Next(), got.Last) != nil {
		t.Errorf("%+v, %v", closed, err)
	}
	if closed.Follows(got.Header, got.Last) == nil || closed.Follows(got.Next(), got.Last.Add(1)) == nil {
		t.Error("it follows another segment as well")
	}
	for what, keys := range map[string]Keys{"no key": nil, "another key": NewKeys([]ed25519.PublicKey{newSigner(2).public()})} {
		if _, err := Open(file, keys); err == nil {
			t.Errorf("%s verifies it", what)
		}
	}
}

func TestHeads(t *testing.T) {
	t.Parallel()
	s := newSigner(1)
	keys := NewKeys([]ed25519.PublicKey{s.public()})
	want := Head{Format: HeadFormat, Chain: testChain, Number: 3, Hash: Hash(nil), SegmentTime: begin, Events: 7, Time: begin, Closed: true}
	file, err := want.Seal(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := OpenHead(file, keys); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for i := range file {
		changed := bytes.Clone(file)
		changed[i] ^= 1
		if _, err := OpenHead(changed, keys); err == nil {
			t.Errorf("byte %d changed, and it verifies", i)
		}
		if _, err := OpenHead(file[:i], keys); err == nil {
			t.Errorf("cut to %d bytes, and it verifies", i)
		}
	}
	// A segment's seal does not seal a head, nor the other way round.
	body, _, err := splitSeal(file)
	if err != nil {
		t.Fatal(err)
	}
	forged, err := addSeal(t.Context(), s, segmentDomain, testChain, 3, bytes.Clone(body))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenHead(forged, keys); err == nil {
		t.Error("the seal of a segment is taken for that of a head")
	}
}

// TestWhatSealRefuses does not make what would not open.
func TestWhatSealRefuses(t *testing.T) {
	t.Parallel()
	good := Header{Chain: testChain, Number: 2, Kind: Events, Time: begin, FirstEvent: 2, Previous: Hash(nil), PreviousTime: begin, Server: "one"}
	if _, err := Seal(t.Context(), newSigner(1), good, line(begin)); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*Header){
		"no chain":           func(h *Header) { h.Chain = "" },
		"a chain with paths": func(h *Header) { h.Chain = "20261122-../../../../../../../../x" },
		"no number":          func(h *Header) { h.Number = 0 },
		"no kind":            func(h *Header) { h.Kind = "" },
		"no first event":     func(h *Header) { h.FirstEvent = 0 },
		"another zone":       func(h *Header) { h.Time = h.Time.In(time.FixedZone("x", 60)) },
		"nanoseconds":        func(h *Header) { h.Time = h.Time.Add(1) },
		"nothing before":     func(h *Header) { h.Previous = "" },
		"no hash before":     func(h *Header) { h.Previous = strings.Repeat("x", 64) },
		"no time before":     func(h *Header) { h.PreviousTime = time.Time{} },
		"a time before that": func(h *Header) { h.PreviousTime = h.Time.Add(time.Second) },
		"a link":             func(h *Header) { h.After = &Link{} },
		"a first with one before": func(h *Header) {
			h.Number, h.FirstEvent = 1, 1
		},
	} {
		h := good
		change(&h)
		if _, err := Seal(t.Context(), newSigner(1), h, line(begin)); err == nil {
			t.Errorf("a header with %s is sealed", what)
		}
	}
	spoilt, broken := newSigner(1), newSigner(1)
	spoilt.spoilt, broken.err = true, errors.New("sealed")
	for _, s := range []signer{spoilt, broken} {
		if file, err := Seal(t.Context(), s, good, line(begin)); err == nil || file != nil {
			t.Errorf("%v", err)
		}
	}
}

// TestWhatReadRefuses reads nothing whose content contradicts itself, though it
// is sealed.
func TestWhatReadRefuses(t *testing.T) {
	t.Parallel()
	h := Header{Chain: testChain, Number: 1, Kind: Events, Time: begin, FirstEvent: 1}
	for what, lines := range map[string][]byte{
		"no event":            nil,
		"no JSON":             []byte("x\n"),
		"another time":        line(begin.Add(time.Second)),
		"times that go back":  append(append(line(begin), line(begin.Add(2*time.Second))...), line(begin.Add(time.Second))...),
		"two minutes":         append(line(begin), line(begin.Add(time.Minute))...),
		"an empty line":       append(line(begin), '\n'),
		"an event of no time": append(line(begin), []byte("{}\n")...),
	} {
		file, err := Seal(t.Context(), newSigner(1), h, lines)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read(file); err == nil {
			t.Errorf("a segment with %s is read", what)
		}
	}
	h.Kind = Heartbeat
	file, err := Seal(t.Context(), newSigner(1), h, line(begin))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(file); err == nil {
		t.Error("a heartbeat with events is read")
	}
	if _, err := Read(make([]byte, MaxSize+1)); err == nil {
		t.Error("a segment of any size is read")
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for range 50 {
		n := Name{Chain: NewChain(begin), Number: 123_456_789_012, Time: begin}
		got, ok := ParseName(n.String())
		if !ok || got.Chain != n.Chain || got.Number != n.Number || !got.Time.Equal(begin.Truncate(time.Millisecond)) {
			t.Errorf("%s is read as %+v", n, got)
		}
	}
	good := Name{Chain: testChain, Number: 1, Time: begin}.String()
	for _, prefix := range []string{Folder, Day(begin), Hour(begin), Minute(begin)} {
		if !strings.HasPrefix(good, prefix) {
			t.Errorf("%s does not begin with %s", good, prefix)
		}
	}
	for i := range good {
		for _, name := range []string{good[:i], good[:i] + "x" + good[i:], good[:i] + "/" + good[i+1:], good[:i] + "A" + good[i+1:]} {
			if n, ok := ParseName(name); ok && n.String() != name {
				t.Errorf("%s is read as %+v", name, n)
			}
		}
		if _, ok := ParseName(good[:i]); ok {
			t.Errorf("%s is read", good[:i])
		}
	}
	for _, name := range []string{strings.Replace(good, "-000000000001", "-000000000000", 1), strings.Replace(good, "2026-11-22", "2026-11-31", 1), strings.Replace(good, "-000000000001", "-+00000000001", 1)} {
		if _, ok := ParseName(name); ok {
			t.Errorf("%s is read", name)
		}
	}
	for id, want := range map[string]bool{testChain: true, "": false, testChain + "a": false, strings.ToUpper(testChain): false, strings.Replace(testChain, "-", "x", 1): false, "2026112x" + testChain[8:]: false} {
		if ValidChain(id) != want {
			t.Errorf("%q is the id of a chain: %v", id, !want)
		}
	}
}

// FuzzOpen opens nothing but what was sealed, and survives everything.
func FuzzOpen(f *testing.F) {
	s := newSigner(1)
	keys := NewKeys([]ed25519.PublicKey{s.public()})
	file := first(f, s)
	head, err := Head{Chain: testChain, Number: 3, Hash: Hash(nil)}.Seal(context.Background(), s)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{file, head, file[:len(file)-1], []byte("{}\n{}\n"), []byte("\n\n"), nil, []byte(`{"sha256":"","key":"","signature":""}` + "\n")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := Open(data, keys); err == nil && !bytes.Equal(data, file) {
			t.Errorf("opens as %+v", got)
		}
		if got, err := OpenHead(data, keys); err == nil && !bytes.Equal(data, head) {
			t.Errorf("opens as %+v", got)
		}
		_, _ = ParseName(string(data))
	})
}

// FuzzRead gives any content the hash that it should have, so that what reads the
// lines is reached.
func FuzzRead(f *testing.F) {
	for _, file := range [][]byte{first(f, newSigner(1)), []byte("{}\n{}\n"), []byte("\n{}\n"), []byte("{}\n")} {
		f.Add(file[:bytes.LastIndexByte(file[:len(file)-1], '\n')+1])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		sealed, err := json.Marshal(seal{Hash: Hash(body)})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Read(append(append(bytes.Clone(body), sealed...), '\n'))
		if err != nil {
			return
		}
		if _, ok := ParseName(got.Header.Object()); !ok || got.Last.Before(got.Header.Time) || !SameMinute(got.Last, got.Header.Time) {
			t.Errorf("is read as %+v", got)
		}
		if next := got.Next(); next.check() == nil && next.Number <= got.Header.Number {
			t.Errorf("is followed by %+v", next)
		}
	})
}
