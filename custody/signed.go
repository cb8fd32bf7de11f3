package custody

import (
	"context"
	"crypto/hmac"
	"encoding/json"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
)

// signed is a note that the deployment leaves for itself: its content, and a keyed
// hash of what it is for, its name and its bytes. Who can merely write the store
// can neither forge one nor pass one off as another.
type signed struct {
	Content json.RawMessage `json:"content"`
	MAC     []byte          `json:"mac"`
}

// writeSigned writes a note on the condition.
func (c *Custodian) writeSigned(ctx context.Context, purpose, object string, note any, condition blobstore.Condition) error {
	content, err := json.Marshal(note)
	if err != nil {
		return err
	}
	stored, err := json.Marshal(signed{content, c.secret.mac(purpose, []byte(object), content)})
	if err != nil {
		return err
	}
	_, err = c.store.Put(ctx, object, stored, condition)
	return err
}

// readSigned reads a note. The etag of one that does not authenticate comes with
// the error, so that it can be replaced.
func (c *Custodian) readSigned(ctx context.Context, purpose, object string, note any) (etag string, err error) {
	stored, info, err := c.store.Get(ctx, object)
	if err != nil {
		return "", err
	}
	var s signed
	if json.Unmarshal(stored, &s) != nil || !hmac.Equal(s.MAC, c.secret.mac(purpose, []byte(object), s.Content)) ||
		json.Unmarshal(s.Content, note) != nil {
		return info.ETag, fault.New(fault.Corrupt, ReasonCorrupt, "a stored note does not authenticate")
	}
	return info.ETag, nil
}
