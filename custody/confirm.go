package custody

import (
	"context"
	"errors"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/format"
	"github.com/wertfach/wertfach/custody/resource"
)

// Confirmation is what a privacy officer confirms the request of another one with.
type Confirmation struct {
	By     string // who confirms
	Reason string // why, without naming anyone; may be empty
	ETag   string // the state of the customer that the caller has seen, or empty
}

// Erase erases a customer for good, as one privacy officer has asked and another
// one confirms, and gives the receipt. Where the customer is erased already it
// gives the receipt of that.
func (c *Custodian) Erase(ctx context.Context, name resource.Customer, confirmation Confirmation, req Request) (Receipt, error) {
	if broken := checkReason(confirmation.Reason, false); len(broken) > 0 {
		return Receipt{}, fault.Fields(broken...)
	}
	p, err := c.find(name)
	if err != nil {
		return Receipt{}, err
	}
	in := &intent{ConfirmedBy: confirmation.By, Confirmation: format.Tidy(confirmation.Reason)}
	if req.ID != "" {
		in.Request = encode(c.secret.mac("erasure", []byte(req.ID), req.Content))
	}
	for range attempts {
		d, err := c.viewAt(ctx, name, p, needs{anyState: true})
		switch {
		case err == nil:
		case fault.KindOf(err) == fault.NotFound:
			return c.erasedBefore(ctx, p, in, err)
		case fault.KindOf(err) == fault.Corrupt:
			return c.eraseByName(ctx, p, in, err)
		default:
			return Receipt{}, err
		}
		out, err := c.eraseOpened(ctx, d, in, confirmation, req)
		switch fault.ReasonOf(err) {
		case ReasonStaleETag, ReasonHeld, ReasonRestricted, ReasonExempt:
			if confirmation.ETag == "" && fault.ReasonOf(err) == ReasonStaleETag {
				continue // somebody changed the customer meanwhile: perhaps a hold stands against it
			}
			c.warn(ctx, "taking back the confirmation of an erasure", c.unconfirm(ctx, p, in.nonce))
		}
		return out, err
	}
	return Receipt{}, contention()
}

// eraseOpened erases a customer whose dossier opens.
func (c *Custodian) eraseOpened(ctx context.Context, d *Dossier, in *intent, confirmation Confirmation, req Request) (Receipt, error) {
	p := d.place
	// An id that stood for something else is a slip that can't be made good.
	if _, _, err := d.replay(req.ID, c.secret.mac("request", req.Content)); err != nil {
		return Receipt{}, err
	}
	there, err := c.readIntent(ctx, p)
	switch {
	case err == nil && (there.KeyName == d.key.Name || in.Request != "" && there.Request == in.Request):
		return c.resume(ctx, p, there)
	case err != nil && !errors.Is(err, blobstore.ErrNotFound):
		return Receipt{}, backend(err)
	case d.stored.GetErasing():
		// A moment ago it came to its end, or it comes out of a backup.
		out, err := c.readReceipt(ctx, receiptObject(p.institute, p.receiptID(d.key.Name)))
		if fault.ReasonOf(err) != ReasonReceiptNotFound {
			return out, err
		}
	}
	if err := d.namesNobody(confirmation.Reason); err != nil {
		return Receipt{}, err
	}
	refused := fresh(confirmation.ETag, d.stored.GetCustomer())
	if refused == nil && !d.stored.GetErasing() {
		refused = d.standsAgainst()
	}
	if refused == nil {
		refused = c.confirm(ctx, p, in, d.enrolment(), d.stored.GetCustomer().GetRevision())
	}
	if fault.ReasonOf(refused) == ReasonErasureNotRequested {
		// Perhaps it is erased, and came back out of a backup.
		out, err := c.readReceipt(ctx, receiptObject(p.institute, p.receiptID(d.key.Name)))
		if err == nil {
			return c.eraseAgain(ctx, p, out.Statement)
		}
	}
	if refused != nil {
		// Perhaps the request has had its effect, and the customer has come back.
		out, done, err := c.erasedFor(ctx, p, in.Request, d.key.Name)
		if !done && err == nil {
			err = refused
		}
		return out, err
	}
	in.Revision = d.stored.GetCustomer().GetRevision()
	return c.eraseNow(ctx, p, d.key.Name, in)
}

// erasedFor looks for the receipt that a request has got before, of an enrolment
// under another key than keyName. It spares a customer who has come back since
// from the repetition of a request that was meant for the enrolment before. A
// receipt of keyName itself spares nobody: what it says is destroyed came back,
// out of a backup perhaps. Only under a claim is the answer final.
func (c *Custodian) erasedFor(ctx context.Context, p place, request, keyName string) (out Receipt, done bool, err error) {
	if request == "" {
		return Receipt{}, false, nil
	}
	for info, err := range c.store.List(ctx, p.receipts()) {
		if err != nil {
			return Receipt{}, false, backend(err)
		}
		out, err := c.readReceipt(ctx, info.Name)
		if err == nil && out.Statement.Request == request && out.Statement.KeyName != keyName {
			return out, true, nil
		}
		if err != nil && fault.KindOf(err) != fault.Corrupt {
			return Receipt{}, false, err
		}
	}
	return Receipt{}, false, nil
}

// erasedBefore gives the receipt of a customer whose dossier is not there, or
// whose key is not.
func (c *Custodian) erasedBefore(ctx context.Context, p place, in *intent, notFound error) (Receipt, error) {
	switch there, err := c.readIntent(ctx, p); {
	case err == nil:
		return c.resume(ctx, p, there)
	case !errors.Is(err, blobstore.ErrNotFound):
		return Receipt{}, backend(err)
	}
	// What is left of an enrolment speaks louder than the receipt of another.
	keyName, alive, err := c.keyOf(ctx, p)
	switch {
	case err != nil:
		return Receipt{}, backend(err)
	case keyName == "":
		last, err := c.lastReceipt(ctx, p)
		if err == nil && last.Envelope == nil {
			err = notFound
		}
		return last, err
	}
	out, err := c.readReceipt(ctx, receiptObject(p.institute, p.receiptID(keyName)))
	if fault.ReasonOf(err) != ReasonReceiptNotFound {
		return out, err // something of it came back, out of a backup perhaps
	}
	named, err := c.keyNamed(ctx, p.dossier())
	if err != nil {
		return Receipt{}, backend(err)
	}
	if alive && named == keyName {
		return Receipt{}, claimed() // enrolled anew a moment ago
	}
	return c.eraseByName(ctx, p, in, notFound)
}

// eraseByName erases a customer whose dossier is damaged or lost: what belongs
// to it is told by names alone, and the key by what was sealed under it. A key
// that is not there proves nothing, since its name may be what is damaged.
func (c *Custodian) eraseByName(ctx context.Context, p place, in *intent, cause error) (Receipt, error) {
	keyName, alive, err := c.keyOf(ctx, p)
	if err != nil {
		return Receipt{}, backend(err)
	}
	if !alive {
		// Perhaps somebody is erasing a later enrolment, or has just done so.
		if _, err := c.readIntent(ctx, p); err == nil {
			return Receipt{}, claimed()
		}
		if keyName != "" {
			out, err := c.readReceipt(ctx, receiptObject(p.institute, p.receiptID(keyName)))
			if err == nil {
				return out, nil
			}
		}
		return Receipt{}, fault.Wrap(cause, fault.Corrupt, ReasonCorrupt, "nothing that is left tells which key to destroy")
	}
	switch there, err := c.readIntent(ctx, p); {
	case err == nil && there.KeyName == keyName:
		return c.resume(ctx, p, there)
	case err != nil && !errors.Is(err, blobstore.ErrNotFound):
		return Receipt{}, backend(err)
	}
	if err := c.confirm(ctx, p, in, enrolment{key: keyName}, ""); err != nil {
		return Receipt{}, err
	}
	return c.eraseNow(ctx, p, keyName, in)
}

// confirm takes an officer's request for that enrolment, and has it
// confirmed by who the intent says confirms. From then on it can't be cancelled,
// and a sweep carries it out if nobody else does.
func (c *Custodian) confirm(ctx context.Context, p place, in *intent, of enrolment, revision string) error {
	for attempt := range attempts {
		if err := wait(ctx, attempt); err != nil {
			return err
		}
		r, err := c.readRequest(ctx, p)
		switch {
		case errors.Is(err, blobstore.ErrNotFound), err == nil && !r.open(of, c.now()):
			return notRequested()
		case err != nil:
			return backend(err)
		case r.confirmed(revision, c.now()): // perhaps by this call, whose answer got lost
			in.order(r)
			return nil
		case in.ConfirmedBy == "" || r.By == in.ConfirmedBy:
			return fault.New(fault.Precondition, ReasonSecondOfficer, "another privacy officer must confirm it than the one who asked")
		}
		in.nonce = newID()
		r.ConfirmedBy, r.Confirmation, r.Confirmed, r.Call = in.ConfirmedBy, in.Confirmation, c.now().UTC(), in.Request
		r.Revision, r.Nonce = revision, in.nonce
		err = c.writeRequest(ctx, p, r, blobstore.IfMatch(r.etag))
		if err == nil {
			in.order(r)
			return nil
		}
		if !errors.Is(err, blobstore.ErrConflict) {
			return backend(err)
		}
	}
	return contention()
}

// unconfirm takes the confirmation of that nonce back, which can't be carried out: the request waits
// again, and the officers decide anew.
func (c *Custodian) unconfirm(ctx context.Context, p place, nonce string) error {
	r, err := c.readRequest(ctx, p)
	if errors.Is(err, blobstore.ErrNotFound) || err == nil && (nonce == "" || r.Nonce != nonce) {
		return nil // it is somebody else's
	}
	if err != nil {
		return err
	}
	r.ConfirmedBy, r.Confirmation, r.Confirmed, r.Call, r.Revision, r.Nonce = "", "", time.Time{}, "", "", ""
	return c.writeRequest(ctx, p, r, blobstore.IfMatch(r.etag))
}

// order makes the intent that of a confirmed request.
func (in *intent) order(r *storedRequest) {
	in.Policy, in.Basis, in.Reason, in.Requested = PolicyRequest, r.basis(), r.Reason, r.Requested
	in.RequestedBy, in.ConfirmedBy, in.Confirmation = r.By, r.ConfirmedBy, r.Confirmation
	if in.Request == "" {
		in.Request = r.Call
	}
}
