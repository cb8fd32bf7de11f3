package custody

import (
	"context"
	"crypto/hmac"
	"errors"
	"path"
	"strings"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
)

// A server need not be allowed to destroy keys, so that who takes it over can't
// destroy what customers have. What it may begin and not finish it leaves to a
// sweep under an identity that may: erasures, and keys that sealed nothing.

// leave gives up an erasure before its key is destroyed, so that a sweep can
// take it over at once.
func (c *Custodian) leave(ctx context.Context, p place, in *intent, denied error) error {
	in.Claimed = time.Time{}
	// Where this fails, the claim ends by itself.
	c.warn(ctx, "giving up the claim to an erasure", c.writeIntent(ctx, p, in, blobstore.IfMatch(in.etag)))
	e := fault.Wrap(denied, fault.Unavailable, ReasonErasurePending,
		"the erasure is begun and can't be undone; the next sweep finishes it, and asking again then gives the receipt")
	e.RetryAfter = pendingRetry
	return e
}

// leaveKey notes a key that sealed nothing. The note names a key that will be
// destroyed, so like an intent it is authenticated: who can merely write the
// store can't have a key destroyed.
func (c *Custodian) leaveKey(ctx context.Context, p place, keyName string) error {
	note := p.unused(keyName)
	_, err := c.store.Put(ctx, note, c.unusedMAC(note), blobstore.Condition{})
	return err
}

func (c *Custodian) unusedMAC(note string) []byte { return c.secret.mac("unused", []byte(note)) }

// discard destroys the keys that sealed nothing.
func (s *sweep) discard(ctx context.Context, institute string) error {
	for info, err := range s.c.store.List(ctx, unusedKeys(institute)) {
		if err != nil {
			return err
		}
		pseudonym, end, _ := strings.Cut(path.Base(info.Name), ".")
		p := place{institute: institute, pseudonym: pseudonym}
		if !s.options.DryRun {
			err = s.c.discardNoted(ctx, p, p.keyPrefix()+end, info.Name)
		}
		s.step()
		s.count(ctx, p, &s.report.Settled, "destroying the unused key of an enrolment that failed", err)
	}
	return nil
}

func (c *Custodian) discardNoted(ctx context.Context, p place, keyName, note string) error {
	content, _, err := c.store.Get(ctx, note)
	if errors.Is(err, blobstore.ErrNotFound) {
		return nil // another sweep was at it
	}
	if err != nil {
		return err
	}
	if !hmac.Equal(content, c.unusedMAC(note)) || p.unused(keyName) != note {
		return fault.New(fault.Corrupt, ReasonCorrupt, "a stored note of an unused key does not authenticate")
	}
	// Nothing was sealed under it when the note was written, nor since; to look
	// costs little beside what a mistake would.
	used, err := c.keyNamed(ctx, p.dossier())
	if err != nil {
		return err
	}
	if used != keyName {
		if err := c.keys.Destroy(ctx, keyName); err != nil {
			return err
		}
	}
	return c.store.Delete(ctx, note)
}
