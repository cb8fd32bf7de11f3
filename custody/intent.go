package custody

import (
	"context"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
)

// intent is an erasure under way, as it lies in the store. It names a key that
// will be destroyed, so it is authenticated by the index secret, and it can
// only be about the customer under whose name it lies: who can merely write the
// store can't have anything erased.
type intent struct {
	Receipt    string `json:"receipt"`
	KeyName    string `json:"key_name"`
	KeyVersion int    `json:"key_version,omitempty"`
	Policy     string `json:"policy"`
	Basis      string `json:"basis"`
	Reason     string `json:"reason"`
	// Of an erasure on request: who asked for it, who confirmed it, and why.
	RequestedBy  string         `json:"requested_by,omitempty"`
	ConfirmedBy  string         `json:"confirmed_by,omitempty"`
	Confirmation string         `json:"confirmation,omitempty"`
	Request      string         `json:"request,omitempty"`  // a keyed hash of the request that asked for it
	Revision     string         `json:"revision,omitempty"` // the only state of the customer that may be erased, if any
	Requested    time.Time      `json:"requested_time"`
	Listed       bool           `json:"listed"` // what follows is complete
	Objects      []string       `json:"objects,omitempty"`
	Counts       map[string]int `json:"counts,omitempty"`
	Again        bool           `json:"again,omitempty"`   // it is erased, and something of it came back
	Damaged      string         `json:"damaged,omitempty"` // the ETag of a dossier that did not open when it was listed
	Claimed      time.Time      `json:"claimed_until"`

	etag  string
	nonce string // of the confirmation that this call made, if it made one
}

// signedIntent is what is stored: the intent and a keyed hash of its name and
// bytes.
type signedIntent struct {
	Intent json.RawMessage `json:"intent"`
	MAC    []byte          `json:"mac"`
}

// skew is how far the clocks of two servers may be apart.
const skew = 5 * time.Minute

// claimed says whether somebody works at the erasure now. A claim further ahead
// than anybody makes one comes from a wrong clock and does not count.
func (in *intent) claimed(now time.Time, lease time.Duration) bool {
	return now.Before(in.Claimed) && in.Claimed.Before(now.Add(lease+skew))
}

// about says whether the intent is about the customer at p and nobody else.
func (in *intent) about(p place) bool {
	for _, name := range in.Objects {
		if !p.satellite(name) {
			return false
		}
	}
	return strings.HasPrefix(in.KeyName, p.keyPrefix()) && in.Receipt == p.receiptID(in.KeyName)
}

// writeIntent writes the intent. A conflict is the caller's only where it is to
// be new; otherwise somebody else has taken the erasure over.
func (c *Custodian) writeIntent(ctx context.Context, p place, in *intent, cond blobstore.Condition) error {
	content, err := json.Marshal(in)
	if err != nil {
		return err
	}
	stored, err := json.Marshal(signedIntent{content, c.intentMAC(p, content)})
	if err != nil {
		return err
	}
	info, err := c.store.Put(ctx, p.intent(), stored, cond)
	if errors.Is(err, blobstore.ErrConflict) && !cond.Absent() {
		return claimed()
	}
	in.etag = info.ETag
	return err
}

func (c *Custodian) readIntent(ctx context.Context, p place) (*intent, error) {
	stored, info, err := c.store.Get(ctx, p.intent())
	if err != nil {
		return nil, err
	}
	var signed signedIntent
	in := &intent{etag: info.ETag}
	if json.Unmarshal(stored, &signed) != nil || !hmac.Equal(signed.MAC, c.intentMAC(p, signed.Intent)) ||
		json.Unmarshal(signed.Intent, in) != nil || !in.about(p) {
		return nil, fault.New(fault.Corrupt, ReasonCorrupt, "a stored erasure intent does not authenticate")
	}
	return in, nil
}

func (c *Custodian) intentMAC(p place, content []byte) []byte {
	return c.secret.mac("intent", []byte(p.intent()), content)
}
