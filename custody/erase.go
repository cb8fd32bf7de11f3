package custody

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/receipt"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/seal"
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
// Whoever finds an intent that nobody works at goes on where it stands. A server
// that its keeper of keys does not let destroy any takes the first step, says
// that the erasure is pending, and leaves the others to a sweep that may.

// How a dossier comes to be erased.
const (
	// PolicyRequest is an erasure that one privacy officer asked for and another one
	// confirmed.
	PolicyRequest = "on-request"
	// PolicyRetention is the erasure of a dossier all of which is due by the
	// retention rules.
	PolicyRetention = "retention"
)

// Receipt is the evidence of an erasure.
type Receipt struct {
	Name      resource.Receipt
	Statement receipt.Statement
	Envelope  []byte // the signed file
}

// keyOf is the key under which a customer's objects lie, by the header of the
// dossier or else of a scan, and whether it is there. It prefers one that is;
// the name is empty where no object tells.
func (c *Custodian) keyOf(ctx context.Context, p place) (keyName string, alive bool, err error) {
	objects := []string{p.dossier()}
	for info, err := range c.store.List(ctx, p.scans()) {
		if err != nil {
			return "", false, err
		}
		objects = append(objects, info.Name)
	}
	for _, object := range objects {
		named, err := c.keyNamed(ctx, object)
		if err != nil {
			return "", false, err
		}
		if !strings.HasPrefix(named, p.keyPrefix()) {
			continue
		}
		keyName = cmp.Or(keyName, named)
		_, err = c.keys.Info(ctx, named)
		if err == nil {
			return named, true, nil
		}
		if !errors.Is(err, vault.ErrNotFound) && !errors.Is(err, vault.ErrInvalid) {
			return "", false, err
		}
	}
	return keyName, false, nil
}

// keyNamed is the key's name in the header of an object, empty where there is
// none.
func (c *Custodian) keyNamed(ctx context.Context, object string) (string, error) {
	sealed, _, err := c.store.Open(ctx, object)
	if errors.Is(err, blobstore.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer sealed.Close()
	header, err := seal.ReadHeader(sealed)
	if errors.Is(err, seal.ErrCorrupt) {
		return "", nil
	}
	return header.KeyName, err
}

// eraseNow begins the erasure that the intent asks for and brings it to its
// end, whether or not the caller still waits for it. Where the intent names a
// revision, it is called off if the customer is in another state when the
// dossier is marked.
func (c *Custodian) eraseNow(ctx context.Context, p place, keyName string, in *intent) (Receipt, error) {
	in.Receipt, in.KeyName = p.receiptID(keyName), keyName
	if in.Requested.IsZero() {
		in.Requested = c.now().UTC()
	}
	for range attempts {
		in.Claimed = c.now().Add(c.lease).UTC()
		err := c.writeIntent(ctx, p, in, blobstore.IfAbsent())
		if err == nil {
			return c.finish(ctx, p, in)
		}
		if !errors.Is(err, blobstore.ErrConflict) {
			return Receipt{}, backend(err)
		}
		switch there, err := c.readIntent(ctx, p); {
		case err == nil && there.KeyName == in.KeyName:
			return c.resume(ctx, p, there)
		case err == nil:
			// Of an earlier enrolment, broken off near its end: it goes first,
			// and is all there is to do if this request had begun it.
			out, err := c.resume(ctx, p, there)
			if err != nil || in.Request != "" && in.Request == there.Request {
				return out, err
			}
		case !errors.Is(err, blobstore.ErrNotFound):
			return Receipt{}, backend(err)
		}
		// An erasure has just come to its end; perhaps it was this one.
		out, err := c.readReceipt(ctx, receiptObject(p.institute, in.Receipt))
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
	if in.claimed(c.now(), c.lease) {
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
	audit.Of(ctx).Receipt(in.Receipt)
	// The last quarter of the claim is for calls that come to their end late.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.lease-c.lease/4)
	defer cancel()
	out, err := c.takeSteps(ctx, p, in)
	if errors.Is(err, context.DeadlineExceeded) {
		err = unavailable(err) // the claim's end, not that of the caller's patience
	}
	return out, err
}

func (c *Custodian) takeSteps(ctx context.Context, p place, in *intent) (Receipt, error) {
	if !in.Listed {
		if out, done, err := c.doneBefore(ctx, p, in); done || err != nil {
			return out, err
		}
		switch err := c.list(ctx, p, in); {
		case errors.Is(err, errErasedSince):
			out, err := c.readReceipt(ctx, receiptObject(p.institute, in.Receipt))
			if err == nil {
				err = backend(c.store.Delete(ctx, p.intent()))
			}
			return out, err
		case err != nil:
			return Receipt{}, backend(err)
		}
	}
	if err := c.keys.Destroy(ctx, in.KeyName); err != nil {
		if errors.Is(err, vault.ErrDenied) {
			return Receipt{}, c.leave(ctx, p, in, err)
		}
		return Receipt{}, backend(err)
	}
	destroyed := c.now().UTC()
	c.cache.drop(p.dossier())
	if err := c.remove(ctx, p, in); err != nil {
		return Receipt{}, backend(err)
	}
	if err := c.forgetRequest(ctx, p, in.KeyName); err != nil {
		return Receipt{}, backend(err)
	}
	out, err := c.writeReceipt(ctx, p, in, destroyed)
	if err != nil {
		return Receipt{}, backend(err)
	}
	return out, backend(c.store.Delete(ctx, p.intent()))
}

// doneBefore calls an erasure off whose request has got its receipt before: what
// is there now is of a later enrolment.
func (c *Custodian) doneBefore(ctx context.Context, p place, in *intent) (out Receipt, done bool, err error) {
	out, done, err = c.erasedFor(ctx, p, in.Request, in.KeyName)
	if done {
		err = backend(c.store.Delete(ctx, p.intent()))
	}
	return out, done, err
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
	case errors.Is(err, errLaterEnrolment):
		in.Counts = map[string]int{} // names alone don't tell whose a satellite is
	case fault.KindOf(backend(err)) == fault.NotFound, fault.KindOf(backend(err)) == fault.Corrupt:
		// Nothing opens any more, so names alone must do.
		if in.Objects, in.Counts, err = c.satellitesByName(ctx, p); err != nil {
			return err
		}
		there, err := c.store.Stat(ctx, p.dossier())
		if err != nil && !errors.Is(err, blobstore.ErrNotFound) {
			return err
		}
		in.Damaged = there.ETag
	case err != nil:
		return err
	default:
		in.Objects, in.Counts = d.satellites(), d.counts()
	}
	in.Listed = true
	return c.writeIntent(ctx, p, in, blobstore.IfMatch(in.etag))
}

// satellitesByName finds a customer's satellites where no dossier tells of them.
// It reads the names of all pointers and marks, which only a damaged or lost
// dossier is worth.
func (c *Custodian) satellitesByName(ctx context.Context, p place) (names []string, counts map[string]int, err error) {
	counts = map[string]int{}
	for kind, prefix := range map[string]string{"scan": p.scans(), "pointer": "index/", "mark": dueDays(p.institute)} {
		for info, err := range c.store.List(ctx, prefix) {
			if err != nil {
				return nil, nil, err
			}
			if p.satellite(info.Name) {
				names = append(names, info.Name)
				counts[kind]++
			}
		}
	}
	return names, counts, nil
}

// errErasedSince is an enrolment that somebody else has erased since the dossier was
// looked at.
var errErasedSince = errors.New("the customer has been erased meanwhile")

// erasedSince says whether a dossier is not there because the enrolment is erased,
// and not because it is lost.
func (c *Custodian) erasedSince(ctx context.Context, p place, in *intent) (bool, error) {
	if in.Again {
		return false, nil // there is a receipt, and what it is about came back
	}
	_, err := c.readReceipt(ctx, receiptObject(p.institute, in.Receipt))
	switch {
	case err == nil:
		return true, nil
	case fault.ReasonOf(err) == ReasonReceiptNotFound, fault.KindOf(err) == fault.Corrupt:
		return false, nil
	default:
		return false, err
	}
}

// errLaterEnrolment is a dossier that opens and is not the one to erase.
var errLaterEnrolment = errors.New("the customer has been enrolled anew")

// lostDossier lies in the place of a dossier that was lost while what belonged
// to it is being erased. It is no sealed object, and so opens for nobody.
const lostDossier = "lost; being erased"

// holdPlace puts something in the place of a dossier that was lost: only that
// keeps the customer from being enrolled before the satellites are gone. It first
// makes sure that nobody has finished the erasure meanwhile.
func (c *Custodian) holdPlace(ctx context.Context, p place, in *intent) error {
	in.Claimed = c.now().Add(c.lease).UTC()
	if err := c.writeIntent(ctx, p, in, blobstore.IfMatch(in.etag)); err != nil {
		return err
	}
	_, err := c.store.Put(ctx, p.dossier(), []byte(lostDossier), blobstore.IfAbsent())
	return err
}

// holds says whether what the intent was written for still is so. One without a
// revision is about what is damaged, or came back, and holds in any case.
func (in *intent) holds(d *Dossier) error {
	if in.Revision == "" {
		return nil
	}
	if err := fresh(in.Revision, d.stored.GetCustomer()); err != nil {
		return err
	}
	if in.Policy == PolicyRequest && d.standsAgainst() != nil || in.Policy == PolicyRetention && !d.over() {
		return staleETag()
	}
	return nil
}

// mark changes the dossier for the last time: nobody reads or changes it after.
func (c *Custodian) mark(ctx context.Context, p place, in *intent) (*Dossier, error) {
	for attempt := range attempts {
		if err := wait(ctx, attempt); err != nil {
			return nil, err
		}
		sealed, _, err := c.fetch(ctx, p, false)
		if fault.KindOf(err) == fault.NotFound {
			if erased, err := c.erasedSince(ctx, p, in); erased || err != nil {
				return nil, cmp.Or(err, errErasedSince)
			}
			holdErr := c.holdPlace(ctx, p, in)
			if errors.Is(holdErr, blobstore.ErrConflict) {
				continue
			}
			return nil, cmp.Or(holdErr, err)
		}
		if err != nil {
			return nil, err
		}
		d, err := c.open(ctx, resource.Customer{}, p, sealed, needs{anyState: true})
		if err != nil {
			return nil, err
		}
		if d.key.Name != in.KeyName {
			return nil, errLaterEnrolment
		}
		if d.stored.GetErasing() {
			return d, nil
		}
		if err := in.holds(d); err != nil {
			return nil, err
		}
		d.stored.Erasing = true
		if err = c.write(ctx, d, sealed.etag, p.newTrail()); !errors.Is(err, blobstore.ErrConflict) {
			return d, err
		}
	}
	return nil, contention()
}

// counts says how much is destroyed, by kind.
func (d *Dossier) counts() map[string]int {
	counts := map[string]int{"dossier": 1}
	for _, a := range d.allArtefacts() {
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
	sealed, info, err := c.store.Get(ctx, p.dossier())
	if err != nil && !errors.Is(err, blobstore.ErrNotFound) {
		return err
	}
	there := err == nil && (!underOther(sealed, in.KeyName) || info.ETag == in.Damaged)
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
