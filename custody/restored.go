package custody

import (
	"context"
	"errors"
	"iter"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/receipt"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/vault"
)

// Who restores a backup of the store or of Vault from before an erasure brings back
// what was erased. So a copy of each receipt lies in the locked store, which no
// restore of the others touches. From the copies it shows that something older was
// restored: servers do not begin to serve then, and sweeps not to sweep. A sweep
// after the restore puts the receipts back and destroys again what they say is
// destroyed. Meanwhile a dossier whose receipt is there is given out to nobody.

// Evidence is a locked store for the copies of receipts; *blobstore.Archive is one.
type Evidence interface {
	// Create stores an object for good; [blobstore.ErrConflict] says that there is
	// one of that name.
	Create(ctx context.Context, name string, data []byte) error
	// Versions lists objects in the order of their names, of each the oldest first.
	Versions(ctx context.Context, prefix string) iter.Seq2[blobstore.Version, error]
	// Read reads one.
	Read(ctx context.Context, name, id string) ([]byte, error)
}

// evidenceFolder holds the copies of receipts, by the day and time at which the
// erasure was complete, in UTC: receipts/2026-11-28/153012.123456-BANK.RECEIPT.
const evidenceFolder = "receipts/"

func evidenceName(institute, id string, completed time.Time) string {
	return evidenceFolder + completed.UTC().Format(time.DateOnly+"/150405.000000") + "-" + institute + "." + id
}

// copied is the receipt of which an object of the locked store is the copy.
func copied(name string) (institute, id string, ok bool) {
	_, rest, timed := strings.Cut(path.Base(name), "-")
	institute, id, named := strings.Cut(rest, ".")
	return institute, id, timed && named && institute != "" && id != ""
}

// keepEvidence copies a receipt to the locked store.
func (c *Custodian) keepEvidence(ctx context.Context, r Receipt) error {
	if c.evidence == nil {
		return nil
	}
	err := c.evidence.Create(ctx, evidenceName(r.Name.Institute.ID, r.Name.ID, r.Statement.Completed), r.Envelope)
	if errors.Is(err, blobstore.ErrConflict) {
		return nil // by an attempt whose answer got lost
	}
	return err
}

const (
	// evidenceMonths is how far back a check looks for the last erasures, the present
	// month included; a deployment that erased nobody for so long has nothing to check.
	evidenceMonths = 3
	// lastErasures is how many of them it looks at.
	lastErasures = 50
	// consistentFor is how long a check that found nothing holds: who restores a
	// backup stops the servers, and the check comes with their start.
	consistentFor = 10 * time.Minute
	// unerasedFor is how long it is remembered that a key has no receipt.
	unerasedFor = time.Minute
)

// consistency remembers the last check.
type consistency struct {
	mu      sync.Mutex
	checked time.Time
}

// ErrRestored says that the store or the keeper of keys is older than the last
// erasures.
var ErrRestored = errors.New("a backup from before the last erasures was restored")

// Consistent is nil where the last erasures have left their receipts in the store
// and their keys are gone. The error wraps [ErrRestored] where not, and has the
// kind Unavailable. It remembers for ten minutes that all was well.
func (c *Custodian) Consistent(ctx context.Context) error {
	if c.evidence == nil {
		return nil
	}
	c.consistent.mu.Lock()
	defer c.consistent.mu.Unlock()
	now := c.now()
	if age := now.Sub(c.consistent.checked); !c.consistent.checked.IsZero() && 0 <= age && age < consistentFor {
		return nil
	}
	if err := c.stillErased(ctx, now); err != nil {
		return backend(err)
	}
	c.consistent.checked = now
	return nil
}

// stillErased is whether what the last copies of receipts say still holds. It looks
// back until it has seen enough of them; what is no copy of a receipt does not
// count, whoever put it there. Clocks of servers differ, so it begins a day ahead.
func (c *Custodian) stillErased(ctx context.Context, now time.Time) error {
	seen := 0
	tomorrow := now.UTC().AddDate(0, 0, 1)
	for back := 0; back < evidenceMonths && seen < lastErasures; back++ {
		var copies []blobstore.Version
		month := time.Date(tomorrow.Year(), tomorrow.Month()-time.Month(back), 1, 0, 0, 0, 0, time.UTC).Format("2006-01")
		for v, err := range c.evidence.Versions(ctx, evidenceFolder+month) {
			if err != nil {
				return err
			}
			if institute, _, ok := copied(v.Name); ok && c.Serves(institute) && (len(copies) == 0 || copies[len(copies)-1].Name != v.Name) {
				copies = append(copies, v)
			}
		}
		for _, v := range slices.Backward(copies) {
			if seen == lastErasures {
				break
			}
			genuine, err := c.stillHolds(ctx, v)
			if err != nil {
				return err
			}
			if genuine {
				seen++
			}
		}
	}
	return nil
}

// stillHolds is whether what one copy says still holds, and whether it is one.
func (c *Custodian) stillHolds(ctx context.Context, v blobstore.Version) (genuine bool, err error) {
	r, err := c.copyOf(ctx, v)
	if fault.KindOf(err) == fault.Corrupt {
		c.warn(ctx, "something in the locked store is no copy of a receipt", err)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, err = c.store.Stat(ctx, receiptObject(r.Name.Institute.ID, r.Name.ID))
	if errors.Is(err, blobstore.ErrNotFound) {
		return true, restored()
	}
	if err != nil {
		return false, err
	}
	_, err = c.keys.Info(ctx, r.Statement.KeyName)
	switch {
	case err == nil:
		return true, restored()
	case errors.Is(err, vault.ErrNotFound):
		return true, nil
	default:
		return false, err
	}
}

// copyOf is the receipt of which an object of the locked store is a copy.
func (c *Custodian) copyOf(ctx context.Context, v blobstore.Version) (Receipt, error) {
	institute, id, _ := copied(v.Name)
	pseudonym, _, _ := strings.Cut(id, "-")
	p := place{institute: institute, pseudonym: pseudonym}
	envelope, err := c.evidence.Read(ctx, v.Name, v.ID)
	if err != nil {
		return Receipt{}, err
	}
	keys, err := c.receiptKeys(ctx)
	if err != nil {
		return Receipt{}, err
	}
	name := resource.Receipt{Institute: resource.Institute{ID: institute}, ID: id}
	statement, err := receipt.Verify(envelope, keys)
	if err != nil || statement.Receipt != name.String() || p.receiptID(statement.KeyName) != id ||
		!strings.HasPrefix(statement.KeyName, p.keyPrefix()) || evidenceName(institute, id, statement.Completed) != v.Name {
		return Receipt{}, fault.Wrap(err, fault.Corrupt, ReasonCorrupt, "a copy of a receipt does not verify")
	}
	return Receipt{Name: name, Statement: statement, Envelope: envelope}, nil
}

func restored() error {
	return fault.Wrap(ErrRestored, fault.Unavailable, ReasonRestored, "what was erased may have come back out of a backup: run \"wertfach sweep --after-restore\" first")
}

// guard refuses a dossier that has a receipt: it came back out of a backup, and a
// sweep will destroy it again. That there is none it remembers for a while, so that
// it costs busy customers next to nothing.
func (c *Custodian) guard(ctx context.Context, p place, keyName string) error {
	now := c.now()
	if at, known := c.unerased.Get(keyName); known && 0 <= now.Sub(at) && now.Sub(at) < unerasedFor {
		return nil
	}
	_, err := c.readReceipt(ctx, receiptObject(p.institute, p.receiptID(keyName)))
	switch {
	case err == nil:
		c.warn(ctx, "a dossier that was erased has come back", restored())
		return customerNotFound()
	case fault.KindOf(err) == fault.Corrupt:
		c.warn(ctx, "something in the place of a receipt is none", err) // and erases nobody
	case fault.ReasonOf(err) != ReasonReceiptNotFound:
		return err
	}
	c.unerased.Add(keyName, now)
	return nil
}

// RestoreReport says what a sweep after a restore found.
type RestoreReport struct {
	Receipts  int // copies of receipts that were looked at
	PutBack   int // receipts that were missing in the store
	CameBack  int // erased customers of whom something was there again
	Destroyed int // of them, those who are erased again
	Failures  int // what could not be done now; the log names it
}

// AfterRestore puts back the receipts that a restored store lacks, and destroys
// again what they say is destroyed and is there again: keys out of a backup of
// Vault, objects out of one of the store. It looks at the erasures since the day of
// the backup, all where since is zero. Repeated, it goes on where it stands.
func (c *Custodian) AfterRestore(ctx context.Context, since time.Time, options SweepOptions) (report RestoreReport, err error) {
	if c.evidence == nil {
		return report, errors.New("custody: there is no locked store with copies of receipts")
	}
	if options.Recorder == nil {
		options.Recorder = offRecord{}
	}
	s := &sweep{c: c, options: options}
	var erasures []Receipt
	last := ""
	for v, err := range c.evidence.Versions(ctx, evidenceFolder) {
		if err != nil {
			return report, backend(err)
		}
		institute, id, ok := copied(v.Name)
		if !ok || !c.Serves(institute) || v.Name == last || !since.IsZero() && path.Base(path.Dir(v.Name)) < since.UTC().Format(time.DateOnly) {
			continue
		}
		last = v.Name
		report.Receipts++
		r, put, err := c.putBack(ctx, v)
		if err != nil {
			s.count(ctx, place{institute: institute, pseudonym: id}, nil, "putting a receipt back", err)
			continue
		}
		if put {
			report.PutBack++
		}
		r.Envelope = nil // there may be many
		erasures = append(erasures, r)
	}
	// All receipts are back: from now on no server gives out what they are about.
	for _, r := range erasures {
		pseudonym, _, _ := strings.Cut(r.Name.ID, "-")
		p := place{institute: r.Name.Institute.ID, pseudonym: pseudonym}
		came, err := c.cameBack(ctx, p, r.Statement.KeyName)
		if err == nil && came {
			report.CameBack++
			if err = s.recorded(ctx, p, r.Name.ID, func() (Receipt, error) { return c.eraseAgain(ctx, p, r.Statement) }); err == nil {
				report.Destroyed++
			}
		}
		s.count(ctx, p, nil, "destroying again what came back", err)
		if errors.Is(err, errUnrecorded) {
			return report, backend(err)
		}
	}
	report.Failures = s.report.Failures
	c.consistent.mu.Lock()
	c.consistent.checked = time.Time{}
	c.consistent.mu.Unlock()
	return report, ctx.Err()
}

// putBack puts a receipt back where the store lacks it.
func (c *Custodian) putBack(ctx context.Context, v blobstore.Version) (r Receipt, put bool, err error) {
	if r, err = c.copyOf(ctx, v); err != nil {
		return Receipt{}, false, err
	}
	_, err = c.store.Put(ctx, receiptObject(r.Name.Institute.ID, r.Name.ID), r.Envelope, blobstore.IfAbsent())
	if errors.Is(err, blobstore.ErrConflict) {
		return r, false, nil
	}
	return r, err == nil, err
}

// cameBack says whether something is there again that was under a destroyed key.
func (c *Custodian) cameBack(ctx context.Context, p place, keyName string) (bool, error) {
	if _, err := c.keys.Info(ctx, keyName); !errors.Is(err, vault.ErrNotFound) {
		return err == nil, err
	}
	named, err := c.keyNamed(ctx, p.dossier())
	if err != nil || named == keyName {
		return named == keyName, err
	}
	if named != "" {
		return false, nil // the customer has been enrolled anew, and what lies there is of that
	}
	for _, err := range c.store.List(ctx, p.scans()) {
		return err == nil, err
	}
	return false, nil
}

// eraseAgain destroys what came back of an erasure. Its receipt stays the one that
// there is.
func (c *Custodian) eraseAgain(ctx context.Context, p place, s receipt.Statement) (Receipt, error) {
	return c.eraseNow(ctx, p, s.KeyName, &intent{
		Again:  true,
		Policy: s.Policy, Basis: s.Basis, Reason: s.Reason, Request: s.Request, Requested: s.Requested,
		RequestedBy: s.RequestedBy, ConfirmedBy: s.ConfirmedBy, Confirmation: s.Confirmation,
	})
}
