package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/blobstore/embedded"
	"github.com/wertfach/wertfach/custody"
)

// AuditLog is the audit log of a process, with its spool.
type AuditLog struct {
	*audit.Log
	spool *blobstore.Store
}

// Audit opens the audit log: of a server, or of a command that does what has to
// be on record. Each has a spool of its own; the error wraps [embedded.ErrInUse]
// where another process works on this one. The clock is time.Now where nil.
func (b *Backends) Audit(ctx context.Context, custodian *custody.Custodian, now func() time.Time) (*AuditLog, error) {
	c := b.config.Audit
	driver, err := embedded.Open(c.SpoolFile)
	if err != nil {
		return nil, fmt.Errorf("opening audit.spool_file: %w", err)
	}
	spool := blobstore.New(driver)
	name, err := os.Hostname()
	if err != nil {
		name = "unknown"
	}
	log, err := audit.Open(ctx, audit.Config{
		Spool: spool, Archive: b.Archive, Heads: b.Store, Signer: audit.SignWith(b.Keys), MACKey: custodian.Derive("audit spool"),
		Server: name, MaxAge: c.SpoolAge, MaxBytes: int64(c.SpoolSize), ShipEvery: c.ShipEvery, Now: now, Log: b.log,
	})
	if err != nil {
		return nil, errors.Join(err, spool.Close())
	}
	return &AuditLog{Log: log, spool: spool}, nil
}

// Events reads the audit log of all servers of the deployment.
func (b *Backends) Events() *audit.Reader {
	return &audit.Reader{Segments: b.Archive, Heads: audit.HeadsIn(b.Store), Keys: audit.SignWith(b.Keys).PublicKeys}
}

// Close ships what is left, for as long as ctx lasts, and closes the spool. What
// is still there then is shipped by the next process on it.
func (l *AuditLog) Close(ctx context.Context) error {
	return errors.Join(l.Log.Close(ctx), l.spool.Close())
}
