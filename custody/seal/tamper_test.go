package seal_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/custody/seal"
)

// headerSize is that of what someKey seals.
var headerSize = 2 + 1 + 1 + 1 + len(someKey.Name) + 2 + len(someKey.Wrapped)

// streamLayout is a stream of three segments, the last of 5000 bytes, and where
// its segments begin and end.
func streamLayout(t testing.TB) (plaintext, sealed []byte, bounds []int) {
	plaintext = pattern(refFirst + refFurther + 5000)
	sealed = mustSealStream(t, plaintext)
	first := headerSize + 40
	bounds = []int{first, first + refFirst + 16, first + refFirst + 16 + 65536, len(sealed)}
	if bounds[3]-bounds[2] != 5016 {
		t.Fatalf("the layout is not what the test thinks: %v", bounds)
	}
	return plaintext, sealed, bounds
}

// mustNotOpen checks that the bytes do not open with a key server's help, and that what a stream gives
// before it says so is the true beginning of the plaintext.
func mustNotOpen(t *testing.T, what string, b seal.Binding, sealed, plaintext []byte) {
	t.Helper()
	got, err := keeperOpen(b, sealed)
	if !errors.Is(err, seal.ErrCorrupt) {
		t.Errorf("%s: %v", what, err)
	}
	if !bytes.HasPrefix(plaintext, got) || (len(got) == len(plaintext) && len(got) > 0) {
		t.Errorf("%s: gave %d bytes of something else or everything", what, len(got))
	}
}

func TestEveryFlippedBit(t *testing.T) {
	t.Parallel()
	plaintext := pattern(40)
	for name, sealed := range map[string][]byte{
		"whole": mustSeal(t, plaintext), "stream": mustSealStream(t, plaintext),
	} {
		for i := range sealed {
			for bit := range 8 {
				sealed[i] ^= 1 << bit
				mustNotOpen(t, name, somewhere, sealed, plaintext)
				sealed[i] ^= 1 << bit
			}
			sealed[i] ^= 0xff
			mustNotOpen(t, name, somewhere, sealed, plaintext)
			sealed[i] ^= 0xff
		}
		if got, err := open(someKey.Plaintext, somewhere, sealed); err != nil || !bytes.Equal(got, plaintext) {
			t.Fatalf("%s: unchanged: %v", name, err)
		}
	}
}

// The bytes of the wrapped data key are the key server's to authenticate; every
// other bit is bound to the content, whoever unwraps what.
func TestOnlyTheWrappedKeyIsNotBound(t *testing.T) {
	t.Parallel()
	plaintext := pattern(40)
	begin := headerSize - len(someKey.Wrapped)
	for name, sealed := range map[string][]byte{
		"whole": mustSeal(t, plaintext), "stream": mustSealStream(t, plaintext),
	} {
		for i := range sealed {
			sealed[i] ^= 1
			got, err := open(someKey.Plaintext, somewhere, sealed)
			if free := i >= begin && i < headerSize; free != (err == nil) || free != bytes.Equal(got, plaintext) {
				t.Errorf("%s, byte %d of a header of %d: %v", name, i, headerSize, err)
			}
			sealed[i] ^= 1
		}
	}
}

// places are positions in a long object: every one near a boundary, and some of
// all others.
func places(length int, bounds []int, stride int) []int {
	var out []int
	for i := 0; i < length; i += stride {
		out = append(out, i)
	}
	for _, bound := range bounds {
		for i := bound - 18; i <= bound+18; i++ {
			if i >= 0 && i < length {
				out = append(out, i)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestFlippedBytesOfLongStream(t *testing.T) {
	t.Parallel()
	plaintext, sealed, bounds := streamLayout(t)
	for _, i := range places(len(sealed), bounds, 1009) {
		sealed[i] ^= 0x40
		mustNotOpen(t, "flipped", somewhere, sealed, plaintext)
		sealed[i] ^= 0x40
	}
}

func TestTruncated(t *testing.T) {
	t.Parallel()
	plaintext := pattern(40)
	for name, sealed := range map[string][]byte{
		"whole": mustSeal(t, plaintext), "stream": mustSealStream(t, plaintext),
		"empty whole": mustSeal(t, nil), "empty stream": mustSealStream(t, nil),
	} {
		for n := range sealed {
			mustNotOpen(t, name+" cut at the end", somewhere, sealed[:n], plaintext)
			mustNotOpen(t, name+" cut at the beginning", somewhere, sealed[n+1:], plaintext)
		}
	}
	plaintext, sealed, bounds := streamLayout(t)
	for _, n := range places(len(sealed), bounds, 4093) {
		mustNotOpen(t, "long stream", somewhere, sealed[:n], plaintext)
	}

	// Streams whose last segment is full end where a further segment could begin.
	full := pattern(refFirst + refFurther)
	sealed = mustSealStream(t, full)
	mustNotOpen(t, "full segments", somewhere, sealed[:len(sealed)-65536], full)
	mustNotOpen(t, "full segments", somewhere, sealed[:headerSize+40], full)
}

func TestExtended(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 40, refFirst, refFirst + refFurther} {
		plaintext := pattern(size)
		for name, sealed := range map[string][]byte{"whole": mustSeal(t, plaintext), "stream": mustSealStream(t, plaintext)} {
			for _, more := range [][]byte{{0}, make([]byte, 16), make([]byte, 65536), sealed, sealed[max(0, len(sealed)-65536):]} {
				mustNotOpen(t, name, somewhere, slices.Concat(sealed, more), plaintext)
				mustNotOpen(t, name, somewhere, slices.Concat(more, sealed), plaintext)
			}
		}
	}
}

func TestSegmentsMoved(t *testing.T) {
	t.Parallel()
	plaintext, sealed, bounds := streamLayout(t)
	other := mustSealStream(t, plaintext) // same key, same binding, same content
	head := sealed[:bounds[0]]
	segment := func(of []byte, i int) []byte { return of[bounds[i]:bounds[i+1]] }
	a, b, c := segment(sealed, 0), segment(sealed, 1), segment(sealed, 2)

	if got, err := open(someKey.Plaintext, somewhere, slices.Concat(head, a, b, c)); err != nil || !bytes.Equal(got, plaintext) {
		t.Fatalf("put together again: %v", err)
	}
	for name, moved := range map[string][]byte{
		"swapped":                   slices.Concat(head, b, a, c),
		"last in the middle":        slices.Concat(head, a, c, b),
		"repeated":                  slices.Concat(head, a, b, b, c),
		"last repeated":             slices.Concat(head, a, b, c, c),
		"without the first":         slices.Concat(head, b, c),
		"without the middle":        slices.Concat(head, a, c),
		"without the last":          slices.Concat(head, a, b),
		"nothing but the head":      head,
		"first of another stream":   slices.Concat(head, segment(other, 0), b, c),
		"middle of another stream":  slices.Concat(head, a, segment(other, 1), c),
		"last of another stream":    slices.Concat(head, a, b, segment(other, 2)),
		"head of another stream":    slices.Concat(other[:bounds[0]], a, b, c),
		"segments under one header": slices.Concat(sealed[:headerSize], other[headerSize:bounds[0]], a, b, c),
	} {
		mustNotOpen(t, name, somewhere, moved, plaintext)
	}
}

func TestAnotherBinding(t *testing.T) {
	t.Parallel()
	plaintext := pattern(40)
	b := somewhere
	for name, other := range map[string]seal.Binding{
		"institute":   {"other", b.Pseudonym, b.Object, b.Compartment},
		"pseudonym":   {b.Institute, "other", b.Object, b.Compartment},
		"object":      {b.Institute, b.Pseudonym, "other", b.Compartment},
		"compartment": {b.Institute, b.Pseudonym, b.Object, "other"},
		"one byte":    {b.Institute, b.Pseudonym, b.Object + "x", b.Compartment},
		"upper case":  {b.Institute, b.Pseudonym, strings.ToUpper(b.Object), b.Compartment},
		// The same bytes in the same order, divided elsewhere.
		"boundary moved": {b.Institute + b.Pseudonym[:1], b.Pseudonym[1:], b.Object, b.Compartment},
		"fields swapped": {b.Pseudonym, b.Institute, b.Object, b.Compartment},
	} {
		mustNotOpen(t, "whole, "+name, other, mustSeal(t, plaintext), plaintext)
		mustNotOpen(t, "stream, "+name, other, mustSealStream(t, plaintext), plaintext)
	}
}

// An object under a header that is well formed but not its own: it does not open
// under another key's name, even where the data key stays the right one, and the
// key server refuses what it did not wrap.
func TestAnotherHeader(t *testing.T) {
	t.Parallel()
	plaintext := pattern(40)
	otherName, otherWrapped := someKey, someKey
	otherName.Name = strings.Replace(someKey.Name, "7f2b", "8f2b", 1)
	otherWrapped.Wrapped = bytes.ToUpper(someKey.Wrapped)
	for name, k := range map[string]seal.Key{"key name": otherName, "wrapped data key": otherWrapped} {
		donor, err := seal.Seal(k, somewhere, plaintext)
		if err != nil {
			t.Fatal(err)
		}
		for _, sealed := range [][]byte{mustSeal(t, plaintext), mustSealStream(t, plaintext)} {
			changed := slices.Concat(donor[:3], sealed[3:4], donor[4:headerSize], sealed[headerSize:])
			if h, err := seal.ParseHeader(changed); err != nil || h.KeyName != k.Name {
				t.Fatalf("the changed header is not well formed: %v", err)
			}
			mustNotOpen(t, name, somewhere, changed, plaintext)
		}
	}

	h, err := seal.ParseHeader(mustSealStream(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*seal.Header){
		"version":    func(h *seal.Header) { h.Version = 2 },
		"algorithm":  func(h *seal.Header) { h.Algorithm = seal.AES256GCM },
		"no name":    func(h *seal.Header) { h.KeyName = "" },
		"other name": func(h *seal.Header) { h.KeyName = "other" },
		"no key":     func(h *seal.Header) { h.Wrapped = nil },
		"long key":   func(h *seal.Header) { h.Wrapped = make([]byte, 1<<16+len(h.Wrapped)) },
	} {
		changed := h
		change(&changed)
		r, err := seal.OpenStream(someKey.Plaintext, somewhere, changed, bytes.NewReader(mustSealStream(t, plaintext)[headerSize:]))
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if !errors.Is(err, seal.ErrCorrupt) {
			t.Errorf("header put together with another %s: %v", name, err)
		}
	}
}

func TestAnotherDataKey(t *testing.T) {
	t.Parallel()
	other := bytes.Clone(someKey.Plaintext)
	other[31] ^= 1
	for name, sealed := range map[string][]byte{"whole": mustSeal(t, nil), "stream": mustSealStream(t, nil)} {
		if _, err := open(other, somewhere, sealed); !errors.Is(err, seal.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A program that opens an object by the function for the other form gets an
// error and no panic.
func TestWrongForm(t *testing.T) {
	t.Parallel()
	if _, err := seal.Open(someKey.Plaintext, somewhere, mustSealStream(t, nil)); !errors.Is(err, seal.ErrCorrupt) {
		t.Errorf("a stream opened whole: %v", err)
	}
	if _, err := openStream(someKey.Plaintext, somewhere, bytes.NewReader(mustSeal(t, nil))); !errors.Is(err, seal.ErrCorrupt) {
		t.Errorf("a whole object opened as a stream: %v", err)
	}

	// Payloads that are authentic under a header that names the other algorithm.
	if _, err := seal.Open(someKey.Plaintext, somewhere, someReference(2).sealPadded(refPad(nil))); !errors.Is(err, seal.ErrCorrupt) {
		t.Errorf("a whole payload under a stream's header: %v", err)
	}
	r, err := openStream(someKey.Plaintext, somewhere, bytes.NewReader(someReference(1).sealStream(nil)))
	if err == nil {
		_, err = io.ReadAll(r)
	}
	if !errors.Is(err, seal.ErrCorrupt) {
		t.Errorf("a stream under a whole object's header: %v", err)
	}
}
