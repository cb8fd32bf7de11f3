package segment

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentation opens what docs/audit.md shows.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string][]string{}
	for _, m := range regexp.MustCompile("(?s)`([a-z0-9/.-]*)`:\n\n```json (segment|head)\n(.*?)```\n").FindAllStringSubmatch(string(page), -1) {
		blocks[m[2]] = append(blocks[m[2]], m[3])
		blocks["name "+m[2]] = append(blocks["name "+m[2]], m[1])
	}
	_, key, _ := strings.Cut(string(page), "```pem\n")
	block, _ := pem.Decode([]byte(key))
	if block == nil {
		t.Fatal("the page shows no key")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	keys := NewKeys([]ed25519.PublicKey{parsed.(ed25519.PublicKey)})
	if len(blocks["segment"]) != 2 || len(blocks["head"]) != 1 {
		t.Fatalf("the page shows %d segments and %d heads", len(blocks["segment"]), len(blocks["head"]))
	}
	var last *Segment
	for i, file := range blocks["segment"] {
		s, err := Open([]byte(file), keys)
		if err != nil {
			t.Fatal(err)
		}
		if s.Header.Object() != blocks["name segment"][i] {
			t.Errorf("segment %d is called %s", i, s.Header.Object())
		}
		if last != nil && s.Follows(last.Next(), last.Last) != nil {
			t.Errorf("segment %d does not follow", i)
		}
		last = s
	}
	head, err := OpenHead([]byte(blocks["head"][0]), keys)
	if err != nil || head.Hash != last.Hash || !head.Closed || HeadOf(head.Chain) != blocks["name head"][0] {
		t.Errorf("%+v, %v", head, err)
	}
}
