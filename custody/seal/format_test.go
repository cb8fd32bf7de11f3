package seal_test

import (
	"bufio"
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/custody/seal"
)

// readFormat returns the fenced blocks of docs/format.md by the words behind
// their fence, with what follows a # left out.
func readFormat(t *testing.T) map[string]string {
	t.Helper()
	doc, err := os.ReadFile("../../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := make(map[string]string)
	name, inside := "", false
	for line := range strings.Lines(string(doc)) {
		if fence, found := strings.CutPrefix(line, "```"); found {
			name, inside = strings.TrimSpace(fence), !inside
			continue
		}
		if inside {
			content, _, _ := strings.Cut(line, "#")
			blocks[name] += strings.TrimSpace(content) + "\n"
		}
	}
	return blocks
}

// The examples and tables of docs/format.md are true.
func TestFormatPage(t *testing.T) {
	t.Parallel()
	blocks := readFormat(t)
	vectors := make(map[string]vector)
	for _, v := range loadVectors(t) {
		vectors[v.Name] = v
	}
	whole, stream := vectors["example whole"], vectors["example stream"]
	header := func(v vector) []byte { return v.reference().header() }
	ad := refAssociatedData(header(stream), stream.reference().binding)
	streamKey, err := hkdf.Key(sha256.New, stream.DataKey, stream.Salt, string(ad), 32)
	if err != nil {
		t.Fatal(err)
	}
	if string(whole.Plaintext) != "PUK 12345678" || string(stream.Plaintext) != "%PDF-1.7" {
		t.Error("the examples' plaintexts are not those of the page")
	}

	for name, want := range map[string][]byte{
		"data-key":              whole.DataKey,
		"whole":                 whole.Sealed,
		"whole-padded":          refPad(whole.Plaintext),
		"whole-associated-data": refAssociatedData(header(whole), whole.reference().binding),
		"stream":                stream.Sealed,
		"stream-key":            streamKey,
		"stream-nonce":          refSegmentNonce(stream.NoncePrefix, 0, true),
	} {
		got, err := hex.DecodeString(strings.Join(strings.Fields(blocks["hex "+name]), ""))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("example %s is %x, want %x (%v)", name, got, want, err)
		}
	}

	for name, size := range map[string]func(n int) int{
		"padded-sizes": seal.PaddedSize,
		"stream-sizes": func(n int) int {
			_, size, err := seal.SealStream(someKey, somewhere, bytes.NewReader(nil), int64(n))
			if err != nil {
				t.Fatal(err)
			}
			return int(size) - headerSize
		},
	} {
		rows := 0
		for lines := bufio.NewScanner(strings.NewReader(blocks[name])); lines.Scan(); rows++ {
			var n, want int
			if _, err := fmt.Sscan(lines.Text(), &n, &want); err != nil || size(n) != want {
				t.Errorf("%s: %q, but it is %d (%v)", name, lines.Text(), size(n), err)
			}
		}
		if rows < 8 {
			t.Errorf("%s has %d rows", name, rows)
		}
	}
}
