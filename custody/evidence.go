package custody

import (
	"context"
	"errors"
	"path"
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
	envelope, err := receipt.Sign(ctx, signer{c.keys}, receipt.Statement{
		Receipt: name.String(), KeyName: in.KeyName, KeyVersion: in.KeyVersion, Destroyed: in.Counts,
		Policy: in.Policy, Reason: in.Reason,
		Requested: in.Requested, KeyDestroyed: destroyed, Completed: c.now().UTC(),
	})
	if err != nil {
		return Receipt{}, err
	}
	object := receiptObject(p.institute, in.Receipt)
	_, err = c.store.Put(ctx, object, envelope, blobstore.IfAbsent())
	if err != nil && !errors.Is(err, blobstore.ErrConflict) {
		return Receipt{}, err
	}
	return c.readReceipt(ctx, object)
}

// Receipt reads the evidence of an erasure.
func (c *Custodian) Receipt(ctx context.Context, name resource.Receipt) (Receipt, error) {
	if _, served := c.institutes[name.Institute.ID]; !served {
		return Receipt{}, receiptNotFound()
	}
	return c.readReceipt(ctx, receiptObject(name.Institute.ID, name.ID))
}

func (c *Custodian) readReceipt(ctx context.Context, object string) (Receipt, error) {
	envelope, _, err := c.store.Get(ctx, object)
	if errors.Is(err, blobstore.ErrNotFound) {
		return Receipt{}, receiptNotFound()
	}
	if err != nil {
		return Receipt{}, backend(err)
	}
	statement, err := receipt.Read(envelope)
	if err != nil {
		return Receipt{}, fault.Wrap(err, fault.Corrupt, ReasonCorrupt, "a stored receipt can't be read")
	}
	institute := path.Dir(path.Dir(object))
	return Receipt{
		Name:      resource.Receipt{Institute: resource.Institute{ID: institute}, ID: path.Base(object)},
		Statement: statement, Envelope: envelope,
	}, nil
}

func receiptNotFound() error {
	return fault.New(fault.NotFound, ReasonReceiptNotFound, "there is no such receipt")
}

// underKey says whether a sealed object was sealed under the key.
func underKey(sealed []byte, keyName string) bool {
	header, err := seal.ParseHeader(sealed)
	return err == nil && header.KeyName == keyName
}
