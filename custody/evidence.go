package custody

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/receipt"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/seal"
)

// writeReceipt signs the receipt of an erasure and stores it. Where one is
// stored already, that one holds.
func (c *Custodian) writeReceipt(ctx context.Context, p place, in *intent, destroyed time.Time) (Receipt, error) {
	name := resource.Receipt{Institute: resource.Institute{ID: p.institute}, ID: in.Receipt}
	statement := receipt.Statement{
		Receipt: name.String(), KeyName: in.KeyName, KeyVersion: in.KeyVersion, Destroyed: in.Counts,
		Policy: in.Policy, Basis: in.Basis, Reason: in.Reason, Request: in.Request,
		RequestedBy: in.RequestedBy, ConfirmedBy: in.ConfirmedBy, Confirmation: in.Confirmation,
		Requested: in.Requested, KeyDestroyed: destroyed, Completed: c.now().UTC(),
	}
	envelope, err := receipt.Sign(ctx, signer{c.keys}, statement)
	if err != nil {
		return Receipt{}, err
	}
	object := receiptObject(p.institute, in.Receipt)
	_, err = c.store.Put(ctx, object, envelope, blobstore.IfAbsent())
	if errors.Is(err, blobstore.ErrConflict) {
		there, readErr := c.readReceipt(ctx, object)
		if fault.KindOf(readErr) != fault.Corrupt {
			return there, readErr
		}
		c.warn(ctx, "replacing a receipt that does not verify", readErr)
		_, err = c.store.Put(ctx, object, envelope, blobstore.Condition{})
	}
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{Name: name, Statement: statement, Envelope: envelope}, nil
}

// lastReceipt is the receipt of the customer's last erasure; empty where there
// is none.
func (c *Custodian) lastReceipt(ctx context.Context, p place) (last Receipt, err error) {
	for info, err := range c.store.List(ctx, p.receipts()) {
		if err != nil {
			return Receipt{}, backend(err)
		}
		r, err := c.readReceipt(ctx, info.Name)
		if err != nil {
			return Receipt{}, err
		}
		if last.Envelope == nil || r.Statement.Completed.After(last.Statement.Completed) {
			last = r
		}
	}
	return last, nil
}

// Receipt reads the evidence of an erasure.
func (c *Custodian) Receipt(ctx context.Context, name resource.Receipt) (Receipt, error) {
	if _, served := c.institutes[name.Institute.ID]; !served {
		return Receipt{}, receiptNotFound()
	}
	return c.readReceipt(ctx, receiptObject(name.Institute.ID, name.ID))
}

// Receipts lists the receipts of an institute in the order of their names. It says
// whether there are more.
func (c *Custodian) Receipts(ctx context.Context, institute resource.Institute, page Page) (list []Receipt, more bool, err error) {
	if _, served := c.institutes[institute.ID]; !served {
		return nil, false, instituteNotFound()
	}
	for info, err := range c.store.List(ctx, receiptObject(institute.ID, "")) {
		switch {
		case err != nil:
			return nil, false, backend(err)
		case path.Base(info.Name) <= page.After:
			continue
		case len(list) == page.Size:
			return list, true, nil
		}
		r, err := c.readReceipt(ctx, info.Name)
		if fault.ReasonOf(err) == ReasonReceiptNotFound {
			continue
		}
		if err != nil {
			return nil, false, err
		}
		list = append(list, r)
	}
	return list, false, nil
}

// readReceipt reads a receipt and checks its signature, and that it is the one
// that it lies as.
func (c *Custodian) readReceipt(ctx context.Context, object string) (Receipt, error) {
	envelope, _, err := c.store.Get(ctx, object)
	if errors.Is(err, blobstore.ErrNotFound) {
		return Receipt{}, receiptNotFound()
	}
	if err != nil {
		return Receipt{}, backend(err)
	}
	versions, err := c.keys.PublicKeys(ctx)
	if err != nil {
		return Receipt{}, backend(err)
	}
	name := resource.Receipt{Institute: resource.Institute{ID: path.Dir(path.Dir(object))}, ID: path.Base(object)}
	statement, err := receipt.Verify(envelope, slices.Collect(maps.Values(versions)))
	if err != nil || statement.Receipt != name.String() {
		return Receipt{}, fault.Wrap(err, fault.Corrupt, ReasonCorrupt, "a stored receipt does not verify")
	}
	return Receipt{Name: name, Statement: statement, Envelope: envelope}, nil
}

func receiptNotFound() error {
	return fault.New(fault.NotFound, ReasonReceiptNotFound, "there is no such receipt")
}

// underOther says whether a sealed object was sealed under another key. One
// that is too damaged to tell was not.
func underOther(sealed []byte, keyName string) bool {
	header, err := seal.ParseHeader(sealed)
	return err == nil && header.KeyName != keyName
}
