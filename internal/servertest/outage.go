package servertest

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/wertfach/wertfach/blobstore"
)

// Outage is a switch that makes a store refuse what is written. Its zero value
// lets everything pass.
type Outage struct{ on atomic.Bool }

// Begin has writes fail from now on.
func (o *Outage) Begin() { o.on.Store(true) }

// End lets them pass again.
func (o *Outage) End() { o.on.Store(false) }

func (o *Outage) err() error {
	if o.on.Load() {
		return fmt.Errorf("%w: by the test", blobstore.ErrUnavailable)
	}
	return nil
}

// spoolDriver is a store on whose disk nothing can be written at times.
type spoolDriver struct {
	blobstore.Driver
	outage *Outage
}

// Put implements [blobstore.Driver].
func (d spoolDriver) Put(ctx context.Context, name string, body io.Reader, size int64, cond blobstore.Condition) (blobstore.Info, error) {
	if err := d.outage.err(); err != nil {
		return blobstore.Info{}, err
	}
	return d.Driver.Put(ctx, name, body, size, cond)
}

// archiveDriver is a locked store that takes nothing at times.
type archiveDriver struct {
	blobstore.ArchiveDriver
	outage *Outage
}

// Create implements [blobstore.ArchiveDriver].
func (d archiveDriver) Create(ctx context.Context, name string, data []byte) error {
	if err := d.outage.err(); err != nil {
		return err
	}
	return d.ArchiveDriver.Create(ctx, name, data)
}
