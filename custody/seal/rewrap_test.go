package seal_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/wertfach/wertfach/custody/seal"
)

// rewrappedStream is ReadHeader and RewrappedStream, read to the end.
func rewrappedStream(sealed, wrapped []byte) (out []byte, size int64, err error) {
	src := iotest.OneByteReader(bytes.NewReader(sealed))
	h, err := seal.ReadHeader(src)
	if err != nil {
		return nil, 0, err
	}
	r, size, err := seal.RewrappedStream(h, wrapped, src, int64(len(sealed)))
	if err != nil {
		return nil, 0, err
	}
	out, err = io.ReadAll(r)
	return out, size, err
}

func TestRewrapped(t *testing.T) {
	t.Parallel()
	plaintext := pattern(70_000)
	for name, sealed := range map[string][]byte{"whole": mustSeal(t, plaintext), "stream": mustSealStream(t, plaintext)} {
		before := bytes.Clone(sealed)
		for _, wrapped := range [][]byte{[]byte("w"), []byte("vault:v2:other"), someKey.Wrapped, pattern(1024)} {
			again, err := seal.Rewrapped(sealed, wrapped)
			if err != nil {
				t.Fatal(err)
			}
			streamed, size, err := rewrappedStream(sealed, wrapped)
			if err != nil || !bytes.Equal(streamed, again) || size != int64(len(again)) {
				t.Errorf("%s: as a stream %d bytes, announced %d, whole %d: %v", name, len(streamed), size, len(again), err)
			}
			h, err := seal.ParseHeader(again)
			if err != nil || h.KeyName != someKey.Name || !bytes.Equal(h.Wrapped, wrapped) {
				t.Errorf("%s: header %+v, %v", name, h, err)
			}
			opened, err := open(someKey.Plaintext, somewhere, again)
			if err != nil || !bytes.Equal(opened, plaintext) {
				t.Errorf("%s: opens to %d bytes, %v", name, len(opened), err)
			}
			opened, err = refOpen(someKey.Plaintext, someReference(0).binding, again)
			if err != nil || !bytes.Equal(opened, plaintext) {
				t.Errorf("%s: by the reference %d bytes, %v", name, len(opened), err)
			}
			back, err := seal.Rewrapped(again, someKey.Wrapped)
			if err != nil || !bytes.Equal(back, before) {
				t.Errorf("%s: wrapped as before it is not what it was (%v)", name, err)
			}
			clear(again)
		}
		if !bytes.Equal(sealed, before) {
			t.Errorf("%s: the argument was changed", name)
		}
	}
}

func TestRewrappedRefuses(t *testing.T) {
	t.Parallel()
	for name, sealed := range map[string][]byte{"whole": mustSeal(t, nil), "stream": mustSealStream(t, nil)} {
		for _, wrapped := range [][]byte{nil, {}, make([]byte, 1025)} {
			if out, err := seal.Rewrapped(sealed, wrapped); !errors.Is(err, seal.ErrInvalid) || out != nil {
				t.Errorf("%s: wrapped key of %d bytes: %v", name, len(wrapped), err)
			}
			if _, _, err := rewrappedStream(sealed, wrapped); !errors.Is(err, seal.ErrInvalid) {
				t.Errorf("%s: wrapped key of %d bytes, as a stream: %v", name, len(wrapped), err)
			}
		}
	}
	sealed := mustSealStream(t, nil)
	if out, err := seal.Rewrapped([]byte("lost; being erased"), someKey.Wrapped); !errors.Is(err, seal.ErrCorrupt) || out != nil {
		t.Errorf("no sealed object: %v", err)
	}
	h, err := seal.ParseHeader(sealed)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := seal.RewrappedStream(h, someKey.Wrapped, bytes.NewReader(nil), int64(headerSize)-1); !errors.Is(err, seal.ErrCorrupt) {
		t.Errorf("an object shorter than its header: %v", err)
	}
	h.KeyName = "../k"
	if _, _, err := seal.RewrappedStream(h, someKey.Wrapped, bytes.NewReader(nil), 1<<20); !errors.Is(err, seal.ErrCorrupt) {
		t.Errorf("a header that nobody read: %v", err)
	}
}

// A data key that is taken from another object of the same customer, compartment
// and wrapping key opens nothing, and neither does the content in another place.
func TestDataKeysExchanged(t *testing.T) {
	t.Parallel()
	other := someKey
	other.Wrapped, other.Plaintext = []byte("vault:v1:another"), pattern(33)[1:]
	elsewhere := somewhere
	elsewhere.Object += "#artefacts/1/sim_card.puk"
	plaintext := pattern(8)
	donor, err := seal.Seal(other, elsewhere, plaintext)
	if err != nil {
		t.Fatal(err)
	}
	for name, sealed := range map[string][]byte{"whole": mustSeal(t, plaintext), "stream": mustSealStream(t, plaintext)} {
		exchanged, err := seal.Rewrapped(sealed, other.Wrapped)
		if err != nil {
			t.Fatal(err)
		}
		// The key server gives the other data key now.
		for _, b := range []seal.Binding{somewhere, elsewhere} {
			if got, err := open(other.Plaintext, b, exchanged); !errors.Is(err, seal.ErrCorrupt) {
				t.Errorf("%s: opened to %d bytes: %v", name, len(got), err)
			}
		}
	}
	moved, err := seal.Rewrapped(donor, someKey.Wrapped)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range [][]byte{someKey.Plaintext, other.Plaintext} {
		if _, err := open(key, somewhere, moved); !errors.Is(err, seal.ErrCorrupt) {
			t.Errorf("a secret opened in another one's place: %v", err)
		}
	}
}

// FuzzRewrapped: whatever has a header keeps all but its wrapped data key.
func FuzzRewrapped(f *testing.F) {
	for _, seed := range fuzzSeeds(f) {
		f.Add(seed, []byte("vault:v2:AAEC"))
	}
	f.Add(mustSeal(f, nil), []byte{})
	f.Fuzz(func(t *testing.T, sealed, wrapped []byte) {
		out, err := seal.Rewrapped(sealed, wrapped)
		h, parsed := seal.ParseHeader(sealed)
		if (err == nil) != (parsed == nil && len(wrapped) > 0 && len(wrapped) <= 1024) {
			t.Fatalf("%v, and the header %v", err, parsed)
		}
		if err != nil {
			return
		}
		back, err := seal.Rewrapped(out, h.Wrapped)
		if err != nil || !bytes.Equal(back, sealed) {
			t.Fatalf("changed more than the wrapped data key (%v)", err)
		}
	})
}
