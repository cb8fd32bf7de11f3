package segment

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// HeadFormat stands in each head.
const HeadFormat = "wertfach-audit-head/1"

// HeadFolder is where heads lie in the store of data.
const HeadFolder = "system/audit/"

// Head says how far a chain goes: that it has so many segments, all in the locked
// store. It is overwritten in place as the chain grows, and at least once a minute
// while its server runs.
type Head struct {
	Format string `json:"format"`
	Chain  string `json:"chain"`
	// Number and Hash are those of the last segment, SegmentTime the time in its
	// header, Events how many the chain has.
	Number      int64     `json:"segment"`
	Hash        string    `json:"sha256"`
	SegmentTime time.Time `json:"segment_time"`
	Events      int64     `json:"events"`
	// Time is when the head was signed.
	Time time.Time `json:"time"`
	// Closed says that the last segment is of kind [Closed].
	Closed bool `json:"closed"`
}

// HeadOf is the name of a chain's head in the store of data.
func HeadOf(chain string) string { return HeadFolder + chain }

// ParseHeadName reads such a name.
func ParseHeadName(name string) (chain string, ok bool) {
	chain, found := strings.CutPrefix(name, HeadFolder)
	return chain, found && ValidChain(chain)
}

// Seal signs the head: a file of two lines.
func (h Head) Seal(ctx context.Context, signer Signer) ([]byte, error) {
	h.Format = HeadFormat
	line, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	return addSeal(ctx, signer, headDomain, h.Chain, h.Number, append(line, '\n'))
}

// OpenHead reads and verifies a head. What is wrong is an error whose text tells
// it.
func OpenHead(file []byte, keys Keys) (Head, error) {
	var h Head
	if len(file) > maxHead {
		return h, errors.New("it is larger than a head can be")
	}
	body, seal, err := splitSeal(file)
	if err != nil {
		return h, err
	}
	line, rest, _ := bytes.Cut(body, []byte{'\n'})
	if json.Unmarshal(line, &h) != nil || len(rest) > 0 || h.Format != HeadFormat {
		return h, errors.New("it is no head of a known format")
	}
	if !ValidChain(h.Chain) || h.Number < 1 || !validHash(h.Hash) {
		return h, errors.New("it names no chain or no segment")
	}
	return h, seal.verify(keys, headDomain, h.Chain, h.Number)
}

const maxHead = 1 << 16
