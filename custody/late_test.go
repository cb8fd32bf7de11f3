package custody

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/custodytest"
)

// latecomer is a store in which the first write of one object is answered with
// an outage and comes later, as a request does that is stuck on its way.
type latecomer struct {
	blobstore.Driver
	name  string
	stuck func() // called when the write is stuck

	mu     sync.Mutex
	arrive func() error
}

func (l *latecomer) Put(ctx context.Context, name string, body io.Reader, size int64, cond blobstore.Condition) (blobstore.Info, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if name != l.name || l.arrive != nil {
		return l.Driver.Put(ctx, name, body, size, cond)
	}
	content, err := io.ReadAll(body)
	if err != nil {
		return blobstore.Info{}, err
	}
	l.arrive = func() error {
		_, err := l.Driver.Put(context.WithoutCancel(ctx), name, bytes.NewReader(content), size, cond)
		return err
	}
	l.stuck()
	return blobstore.Info{}, fmt.Errorf("%w: stuck by the test", blobstore.ErrUnavailable)
}

// TestAWriteThatComesLate registers, lets the dossier's write be stuck until the
// contract has ended and the second attempt is refused, and then lets it arrive.
// The caller was told that nothing happened as far as could be known; what the
// dossier refers to must be there nonetheless.
func TestAWriteThatComesLate(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f := t.Context(), w.fixture(t.Context(), t)
		day := w.clock.now().Add(48 * time.Hour).Format(time.DateOnly)
		if _, err := w.server(t).Terminate(ctx, f.customer, day, "", Request{}); err != nil {
			t.Fatal(err)
		}
		for name, change := range map[string]func(*Custodian) error{
			"register": func(c *Custodian) error {
				draft := Draft{Kind: "device", Values: custodytest.NewSpecimens(80).Artefact("device")}
				_, err := c.Register(ctx, f.customer, []Draft{draft}, Request{})
				return err
			},
			"upload": func(c *Custodian) error {
				_, err := addPDF(ctx, c, f.document, custodytest.NewSpecimens(81).PDF(5_000), Request{})
				return err
			},
		} {
			late := &latecomer{
				Driver: w.blobs, name: w.secret.key.place(f.customer).dossier(),
				stuck: func() { w.clock.advance(96 * time.Hour) },
			}
			c := w.server(t, func(cfg *Config) { cfg.Store = blobstore.New(late) })
			w.warm(t, c, f.customer)
			err := change(c)
			refusal(t, err, fault.Precondition, ReasonContractEnded)
			if err := late.arrive(); err != nil {
				t.Fatal(err)
			}
			w.clock.advance(-96 * time.Hour)
			if report, err := w.server(t).Sweep(ctx, SweepOptions{Grace: -1}); err != nil || report.Settled != 1 {
				t.Errorf("%s: %v, %+v", name, err, report)
			}
			w.mustBeWhole(ctx, t)
		}
		if list, _, err := w.server(t).Artefacts(ctx, f.customer, Page{Size: 9}); err != nil || len(list) != 4 || len(list[2].Scans) != 2 {
			t.Errorf("%v, %d artefacts", err, len(list))
		}
	})
}
