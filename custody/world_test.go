package custody

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/vault"
)

// issuer is an institute that keeps card verification codes.
const issuer = "kartenbank"

// world is a deployment and its clock. Several custodians may work on it, as
// several servers would, each with a cache of its own.
type world struct {
	deployment custodytest.Deployment
	keys       vault.Driver
	blobs      blobstore.Driver
	secret     IndexSecret

	// institute is the one whose customers the world's methods make, and the
	// only one that its servers serve besides issuer.
	institute string
	clock     *clock
}

// clock shows the time with an offset.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// onEach runs a test on both back ends.
func onEach(t *testing.T, run func(t *testing.T, w *world)) {
	t.Helper()
	for _, b := range custodytest.Backends() {
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			run(t, newWorld(t, b))
		})
	}
}

func newWorld(t testing.TB, b custodytest.Backend) *world {
	t.Helper()
	w := &world{deployment: b.Deploy(t), institute: "musterbank", clock: &clock{}}
	w.keys, w.blobs = w.deployment.MustOpen(t)
	keys, store := vault.New(w.keys), blobstore.New(w.blobs)
	if err := Prepare(t.Context(), keys, store); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.secret, err = LoadIndexSecret(t.Context(), keys, store); err != nil {
		t.Fatal(err)
	}
	return w
}

// apart gives the same deployment with an institute and a clock of its own, for
// tests that sweep while others work.
func (w *world) apart() *world {
	own := *w
	own.institute, own.clock = "bank-"+random(10), &clock{}
	return &own
}

// server gives a custodian of its own, which an option may change.
func (w *world) server(t testing.TB, options ...func(*Config)) *Custodian {
	t.Helper()
	cfg := w.config()
	for _, option := range options {
		option(&cfg)
	}
	c, err := New(cfg, w.secret)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) config() Config {
	return Config{
		Keys: vault.New(w.keys), Store: blobstore.New(w.blobs),
		Institutes: []Institute{
			{ID: w.institute, Retention: custodytest.AtContractEnd()},
			{ID: issuer, CardVerificationCode: "we issued it", Retention: custodytest.AtContractEnd()},
		},
		Now: w.clock.now,
	}
}

// scripted puts a script before the drivers of a server.
func (w *world) scripted(script custodytest.Script) func(*Config) {
	return func(cfg *Config) {
		keys, blobs := custodytest.Wrap(w.keys, w.blobs, script)
		cfg.Keys, cfg.Store = vault.New(keys), blobstore.New(blobs)
	}
}

func limited(l Limits) func(*Config) { return func(cfg *Config) { cfg.Limits = l } }

// logged shows in the test's output what no caller hears of.
func logged(t testing.TB) func(*Config) {
	return func(cfg *Config) { cfg.Log = slog.New(slog.NewTextHandler(t.Output(), nil)) }
}

// newCustomer names a customer whom nobody else uses.
func (w *world) newCustomer() resource.Customer {
	return resource.Customer{Institute: resource.Institute{ID: w.institute}, ID: "c-" + random(10)}
}

// request is one with a fresh id.
func request(content string) Request { return Request{ID: newID(), Content: []byte(content)} }

// sweepAll settles and finishes everything, however young: nobody else works.
func (w *world) sweepAll(ctx context.Context, t testing.TB) SweepReport {
	t.Helper()
	w.clock.advance(2 * defaultLease)
	report, err := w.server(t, logged(t)).Sweep(ctx, SweepOptions{Grace: -1})
	if err != nil || report.Failures > 0 {
		t.Fatalf("sweep: %v, %+v", err, report)
	}
	return report
}

// asJSON is for comparing and showing.
func asJSON(t testing.TB, v any) string {
	t.Helper()
	out, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
