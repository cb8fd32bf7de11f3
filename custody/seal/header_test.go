package seal_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/wertfach/wertfach/custody/seal"
)

func TestMalformedHeaders(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", 129)
	for name, c := range map[string]struct {
		header string
		want   error
	}{
		"nothing":                {"", seal.ErrCorrupt},
		"other magic":            {"PK\x01\x01\x01k\x00\x01w", seal.ErrCorrupt},
		"later version":          {"WF\x02\x01\x01k\x00\x01w", seal.ErrVersion},
		"version 0":              {"WF\x00\x01\x01k\x00\x01w", seal.ErrVersion},
		"algorithm 0":            {"WF\x01\x00\x01k\x00\x01w", seal.ErrVersion},
		"later algorithm":        {"WF\x01\x03\x01k\x00\x01w", seal.ErrVersion},
		"no key name":            {"WF\x01\x01\x00\x00\x01w", seal.ErrCorrupt},
		"long key name":          {"WF\x01\x01\x81" + long + "\x00\x01w", seal.ErrCorrupt},
		"key name is a path":     {"WF\x01\x01\x04../k\x00\x01w", seal.ErrCorrupt},
		"upper case":             {"WF\x01\x01\x01K\x00\x01w", seal.ErrCorrupt},
		"space":                  {"WF\x01\x01\x02k \x00\x01w", seal.ErrCorrupt},
		"zero byte":              {"WF\x01\x01\x02k\x00\x00\x01w", seal.ErrCorrupt},
		"hyphen first":           {"WF\x01\x01\x02-k\x00\x01w", seal.ErrCorrupt},
		"not ASCII":              {"WF\x01\x01\x02\xc3\xa4\x00\x01w", seal.ErrCorrupt},
		"nothing wrapped":        {"WF\x01\x01\x01k\x00\x00", seal.ErrCorrupt},
		"too much wrapped":       {"WF\x01\x01\x01k\x04\x01" + strings.Repeat("w", 1025), seal.ErrCorrupt},
		"far too much wrapped":   {"WF\x01\x01\x01k\xff\xff" + strings.Repeat("w", 65535), seal.ErrCorrupt},
		"claims what is missing": {"WF\x01\x01\x01k\x04\x00w", seal.ErrCorrupt},
	} {
		h, err := seal.ParseHeader([]byte(c.header))
		if !errors.Is(err, c.want) || !errors.Is(err, seal.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
		if (c.want == seal.ErrCorrupt) == errors.Is(err, seal.ErrVersion) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := seal.Open(someKey.Plaintext, somewhere, []byte(c.header)); !errors.Is(err, c.want) {
			t.Errorf("%s: Open: %v", name, err)
		}
		if h.KeyName != "" || h.Wrapped != nil {
			t.Errorf("%s: something came back: %+v", name, h)
		}
	}
	for c := range 256 {
		_, err := seal.ParseHeader([]byte("WF\x01\x01\x02k" + string([]byte{byte(c)}) + "\x00\x01w"))
		if allowed := strings.IndexByte("abcdefghijklmnopqrstuvwxyz0123456789-", byte(c)) >= 0; allowed != (err == nil) {
			t.Errorf("byte %#x in a key name: %v", c, err)
		}
	}
	h, err := seal.ParseHeader([]byte("WF\x01\x01\x01k\x00\x01w"))
	if err != nil || h.KeyName != "k" || string(h.Wrapped) != "w" {
		t.Errorf("the smallest header: %+v, %v", h, err)
	}
}

// ReadHeader stops where the payload begins, and never reads more than the
// greatest header has, whatever lengths are claimed.
func TestReadHeaderReadsOnlyTheHeader(t *testing.T) {
	t.Parallel()
	sealed := mustSeal(t, pattern(40))
	r := bytes.NewReader(sealed)
	if _, err := seal.ReadHeader(iotest.OneByteReader(r)); err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(r); !bytes.Equal(rest, sealed[headerSize:]) {
		t.Errorf("%d bytes stayed behind the header, want %d", len(rest), len(sealed)-headerSize)
	}

	greatest := slices.Concat([]byte("WF\x01\x01\x80"), bytes.Repeat([]byte("k"), 128), []byte{4, 0}, make([]byte, 5000))
	for _, first := range []byte{1, 128, 129, 255} {
		greatest[4] = first
		r := bytes.NewReader(greatest)
		_, err := seal.ReadHeader(r)
		if read := len(greatest) - r.Len(); read > seal.MaxHeader || (first == 128) != (err == nil) {
			t.Errorf("key name of %d: read %d bytes, %v", first, read, err)
		}
	}
	if seal.MaxHeader != 1159 {
		t.Errorf("greatest header is %d bytes, documented as 1159", seal.MaxHeader)
	}
}

// What broke the reader comes back as it is: it is not a corrupt object.
func TestReadHeaderFromBrokenReader(t *testing.T) {
	t.Parallel()
	sealed := mustSeal(t, nil)
	for n := range headerSize {
		for _, broke := range []error{errors.New("connection reset"), io.ErrUnexpectedEOF} {
			r := io.MultiReader(bytes.NewReader(sealed[:n]), iotest.ErrReader(broke))
			if _, err := seal.ReadHeader(r); err != broke {
				t.Fatalf("broke after %d bytes: %v", n, err)
			}
		}
	}
}
