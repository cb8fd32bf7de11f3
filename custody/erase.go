package custody

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/format"
	"github.com/wertfach/wertfach/custody/receipt"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/vault"
)

// An erasure has five steps, each of which may be repeated:
//
//  1. The intent is written: which key, why, and by which rule. The dossier is
//     marked, so that nobody changes it any more, and what belongs to it is
//     added to the intent. There is no personal data in it.
//  2. The key is destroyed. From here on nothing opens, on any replica and in
//     any backup of the store. This is the commit point.
//  3. The satellites, the notes and the dossier are removed.
//  4. The receipt is signed and written.
//  5. The intent is removed.
//
// Whoever finds an intent that nobody works at goes on where it stands.

// Policies by which a dossier is erased.
const (
	// PolicyRequest is an erasure that a caller asked for.
	PolicyRequest = "on-request"
	// PolicyContractEnd is the erasure of a dossier whose contract has ended.
	PolicyContractEnd = "contract-end"
)

// Receipt is the evidence of an erasure.
type Receipt struct {
	Name      resource.Receipt
	Statement receipt.Statement
	Envelope  []byte // the signed file
}

// intent is an erasure under way, as it lies in the store.
type intent struct {
	Receipt    string         `json:"receipt"`
	KeyName    string         `json:"key_name"`
	KeyVersion int            `json:"key_version,omitempty"`
	Policy     string         `json:"policy"`
	Reason     string         `json:"reason"`
	Revision   string         `json:"revision,omitempty"` // the only state of the customer that may be erased, if any
	Requested  time.Time      `json:"requested_time"`
	Listed     bool           `json:"listed"` // what follows is complete
	Objects    []string       `json:"objects,omitempty"`
	Counts     map[string]int `json:"counts,omitempty"`
	Claimed    time.Time      `json:"claimed_until"`

	etag string
}

// Erase erases a customer for good and gives the receipt. Where the customer is
// erased already it gives the receipt of that.
func (c *Custodian) Erase(ctx context.Context, name resource.Customer, reason, etag string, req Request) (Receipt, error) {
	if broken := checkReason(reason, true); len(broken) > 0 {
		return Receipt{}, fault.Fields(broken...)
	}
	p, err := c.find(name)
	if err != nil {
		return Receipt{}, err
	}
	d, err := c.viewAt(ctx, name, p, needs{anyState: true})
	if fault.KindOf(err) == fault.NotFound {
		return c.erasedBefore(ctx, p, err)
	}
	if err != nil {
		return Receipt{}, err
	}
	if err := fresh(etag, d.stored.GetCustomer()); err != nil {
		return Receipt{}, err
	}
	return c.eraseNow(ctx, d, PolicyRequest, format.Tidy(reason), etag)
}

// erasedBefore gives the receipt of a customer without a dossier that opens.
func (c *Custodian) erasedBefore(ctx context.Context, p place, notFound error) (Receipt, error) {
	switch in, err := c.readIntent(ctx, p.intent()); {
	case err == nil:
		return c.resume(ctx, p, in)
	case !errors.Is(err, blobstore.ErrNotFound):
		return Receipt{}, backend(err)
	}
	var last blobstore.Info
	for info, err := range c.store.List(ctx, p.receipts()) {
		if err != nil {
			return Receipt{}, backend(err)
		}
		if !info.Modified.Before(last.Modified) {
			last = info
		}
	}
	if last.Name == "" {
		return Receipt{}, notFound
	}
	return c.readReceipt(ctx, last.Name)
}

// eraseNow begins an erasure and brings it to its end, whether or not the
// caller still waits for it. Where revision is not empty, it is called off if
// the customer is in another state when the dossier is marked.
func (c *Custodian) eraseNow(ctx context.Context, d *Dossier, policy, reason, revision string) (Receipt, error) {
	in := &intent{
		Receipt: d.place.receiptID(d.key.Name), KeyName: d.key.Name, Policy: policy, Reason: reason, Revision: revision,
		Requested: c.now().UTC(),
	}
	for range attempts {
		in.Claimed = c.now().Add(c.lease).UTC()
		err := c.writeIntent(ctx, d.place, in, blobstore.IfAbsent())
		if err == nil {
			return c.finish(ctx, d.place, in)
		}
		if !errors.Is(err, blobstore.ErrConflict) {
			return Receipt{}, backend(err)
		}
		switch there, err := c.readIntent(ctx, d.place.intent()); {
		case err == nil && there.KeyName == in.KeyName:
			return c.resume(ctx, d.place, there)
		case err == nil:
			// Of an earlier enrolment, broken off near its end: it goes first.
			if _, err := c.resume(ctx, d.place, there); err != nil {
				return Receipt{}, err
			}
		case !errors.Is(err, blobstore.ErrNotFound):
			return Receipt{}, backend(err)
		}
		// An erasure has just come to its end; perhaps it was this one.
		out, err := c.readReceipt(ctx, receiptObject(d.place.institute, in.Receipt))
		if fault.ReasonOf(err) != ReasonReceiptNotFound {
			return out, err
		}
	}
	return Receipt{}, claimed()
}

// claimed refuses whom another one is ahead of at an erasure.
func claimed() error {
	e := fault.New(fault.Aborted, ReasonBeingErased, "the customer is being erased")
	e.RetryAfter = retryAfter
	return e
}

// resume takes over an erasure, if the one who began it does not work at it any
// more.
func (c *Custodian) resume(ctx context.Context, p place, in *intent) (Receipt, error) {
	if c.now().Before(in.Claimed) {
		return Receipt{}, claimed()
	}
	in.Claimed = c.now().Add(c.lease).UTC()
	if err := c.writeIntent(ctx, p, in, blobstore.IfMatch(in.etag)); err != nil {
		return Receipt{}, backend(err)
	}
	return c.finish(ctx, p, in)
}

// finish takes the steps that are left. It goes on when the caller is gone, but
// not beyond its claim: then another may have taken over.
func (c *Custodian) finish(ctx context.Context, p place, in *intent) (Receipt, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.lease)
	defer cancel()
	if !in.Listed {
		if err := c.list(ctx, p, in); err != nil {
			return Receipt{}, backend(err)
		}
	}
	if err := c.keys.Destroy(ctx, in.KeyName); err != nil {
		return Receipt{}, backend(err)
	}
	destroyed := c.now().UTC()
	c.cache.drop(p.dossier())
	if err := c.remove(ctx, p, in); err != nil {
		return Receipt{}, backend(err)
	}
	out, err := c.writeReceipt(ctx, p, in, destroyed)
	if err != nil {
		return Receipt{}, backend(err)
	}
	return out, backend(c.store.Delete(ctx, p.intent()))
}

// list marks the dossier and writes into the intent what belongs to it.
func (c *Custodian) list(ctx context.Context, p place, in *intent) error {
	info, err := c.keys.Info(ctx, in.KeyName)
	if err != nil && !errors.Is(err, vault.ErrNotFound) {
		return err
	}
	in.KeyVersion = info.LatestVersion
	d, err := c.mark(ctx, p, in)
	switch {
	case fault.ReasonOf(err) == ReasonStaleETag:
		return errors.Join(err, c.store.Delete(ctx, p.intent()))
	case fault.KindOf(err) == fault.NotFound:
		in.Counts = map[string]int{} // nothing opens any more; names alone must do
	case err != nil:
		return err
	default:
		in.Objects, in.Counts = d.satellites(), d.counts()
	}
	in.Listed = true
	return c.writeIntent(ctx, p, in, blobstore.IfMatch(in.etag))
}

// mark changes the dossier for the last time: nobody reads or changes it after.
func (c *Custodian) mark(ctx context.Context, p place, in *intent) (*Dossier, error) {
	for attempt := range attempts {
		if err := wait(ctx, attempt); err != nil {
			return nil, err
		}
		sealed, _, err := c.fetch(ctx, p, false)
		if err != nil {
			return nil, err
		}
		d, err := c.open(ctx, resource.Customer{}, p, sealed, needs{anyState: true})
		if err != nil {
			return nil, err
		}
		if d.key.Name != in.KeyName {
			return nil, customerNotFound() // a later enrolment; not the one to erase
		}
		if d.stored.GetErasing() {
			return d, nil
		}
		if err := fresh(in.Revision, d.stored.GetCustomer()); err != nil {
			return nil, err
		}
		d.stored.Erasing = true
		if err = c.write(ctx, d, sealed.etag, p.newTrail()); !errors.Is(err, blobstore.ErrConflict) {
			return d, err
		}
	}
	return nil, fault.New(fault.Aborted, ReasonContention, "too many changes of the same customer at once")
}

// counts says how much is destroyed, by kind.
func (d *Dossier) counts() map[string]int {
	counts := map[string]int{"dossier": 1}
	for _, a := range d.stored.GetArtefacts() {
		counts["artefact."+a.GetKind()]++
		if n := len(a.GetScans()); n > 0 {
			counts["scan"] += n
		}
		if n := len(d.pointersOf(a)); n > 0 {
			counts["pointer"] += n
		}
	}
	return counts
}

// remove removes all objects of the customer, the dossier last: as long as it
// is there, the same customer can't be enrolled anew. Once it is gone, what lies
// under the customer's name may be of a new enrolment, and only what the intent
// lists is removed.
func (c *Custodian) remove(ctx context.Context, p place, in *intent) error {
	sealed, _, err := c.store.Get(ctx, p.dossier())
	if err != nil && !errors.Is(err, blobstore.ErrNotFound) {
		return err
	}
	there := err == nil && underKey(sealed, in.KeyName)
	if there {
		if err := c.removeUnlisted(ctx, p); err != nil {
			return err
		}
	}
	if err := c.each(ctx, in.Objects, c.store.Delete); err != nil || !there {
		return err
	}
	return c.store.Delete(ctx, p.dossier())
}

// removeUnlisted removes what changes that broke off have left. The note of a
// change that may still be under way stays: it will fail, since the key is
// destroyed, but what it writes until then has to be found.
func (c *Custodian) removeUnlisted(ctx context.Context, p place) error {
	for info, err := range c.store.List(ctx, p.pendings()) {
		if err != nil {
			return err
		}
		young := c.now().Sub(info.Modified) < PendingGrace
		if _, err := c.settle(ctx, p, info.Name, nil, young); err != nil {
			return err
		}
	}
	var scans []string
	for info, err := range c.store.List(ctx, p.scans()) {
		if err != nil {
			return err
		}
		scans = append(scans, info.Name)
	}
	return c.each(ctx, scans, c.store.Delete)
}

// writeIntent writes the intent. A conflict is the caller's only where it is to
// be new; otherwise somebody else has taken the erasure over.
func (c *Custodian) writeIntent(ctx context.Context, p place, in *intent, cond blobstore.Condition) error {
	content, err := json.Marshal(in)
	if err != nil {
		return err
	}
	info, err := c.store.Put(ctx, p.intent(), content, cond)
	if errors.Is(err, blobstore.ErrConflict) && !cond.Absent() {
		return claimed()
	}
	in.etag = info.ETag
	return err
}

func (c *Custodian) readIntent(ctx context.Context, object string) (*intent, error) {
	content, info, err := c.store.Get(ctx, object)
	if err != nil {
		return nil, err
	}
	in := &intent{etag: info.ETag}
	if err := json.Unmarshal(content, in); err != nil {
		return nil, fault.Wrap(err, fault.Corrupt, ReasonCorrupt, "a stored erasure intent can't be read")
	}
	return in, nil
}
