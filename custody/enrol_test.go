package custody

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/vault"
)

// TestPrepareTwice leaves alone what is there.
func TestPrepareTwice(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		before := w.object(t, indexSecretObject)
		keys, store := vault.New(w.keys), blobstore.New(w.blobs)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				if err := Prepare(t.Context(), keys, store); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if string(w.object(t, indexSecretObject)) != string(before) {
			t.Error("there is another index secret: nothing is found any more")
		}
	})
}

// TestPrepareAtOnce has several servers make a deployment ready.
func TestPrepareAtOnce(t *testing.T) {
	t.Parallel()
	for _, b := range custodytest.Backends() {
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			keyDriver, blobDriver := b.Open(t)
			keys, store := vault.New(keyDriver), blobstore.New(blobDriver)
			if _, err := LoadIndexSecret(t.Context(), keys, store); err == nil {
				t.Error("loaded an index secret that nobody made")
			}
			var group sync.WaitGroup
			secrets := make([]IndexSecret, 4)
			for i := range secrets {
				group.Go(func() {
					err := Prepare(t.Context(), keys, store)
					if err == nil {
						secrets[i], err = LoadIndexSecret(t.Context(), keys, store)
					}
					if err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			for _, s := range secrets {
				if len(s.key) != secretSize || string(s.key) != string(secrets[0].key) {
					t.Error("they hold different index secrets")
				}
			}
		})
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	for name, change := range map[string]func(*Config, *IndexSecret){
		"no keys":            func(c *Config, _ *IndexSecret) { c.Keys = nil },
		"no store":           func(c *Config, _ *IndexSecret) { c.Store = nil },
		"no secret":          func(_ *Config, s *IndexSecret) { *s = IndexSecret{} },
		"wrong institute":    func(c *Config, _ *IndexSecret) { c.Institutes = []Institute{{ID: "Bank"}} },
		"an institute twice": func(c *Config, _ *IndexSecret) { c.Institutes = []Institute{{ID: "bank"}, {ID: "bank"}} },
	} {
		cfg, secret := w.config(), w.secret
		change(&cfg, &secret)
		if _, err := New(cfg, secret); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	c := w.server(t)
	if c.Limits() != (Limits{Artefacts: 500, Scans: 20, ScanBytes: 50 << 20, DossierBytes: 4 << 20}) {
		t.Errorf("limits %+v", c.Limits())
	}
}

// TestEnrolIsRefused leaves neither an object nor a key behind.
func TestEnrolIsRefused(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, keys := t.Context(), &created{}
		c := w.server(t, w.scripted(keys.script))
		f := w.fixture(ctx, t)
		before := w.names(ctx, t, "")
		in := Enrolment{Values: custodytest.NewSpecimens(70).PlainCustomer()}
		for _, id := range []string{"", "A", "a.b", "../x", "ä", "-a", "a-", strings.Repeat("a", 65), "a/b"} {
			_, err := c.Enrol(ctx, resource.Customer{Institute: f.customer.Institute, ID: id}, in)
			breaks(t, err, "customer_id", "id.form")
		}
		_, err := c.Enrol(ctx, resource.Customer{Institute: resource.Institute{ID: "elsewhere"}, ID: "a"}, in)
		refusal(t, err, fault.NotFound, "INSTITUTE_NOT_FOUND")
		wrong := in
		wrong.Values = custodytest.NewSpecimens(70).PlainCustomer()
		wrong.Values["iban"] = "DE88370400440532013000"
		_, err = c.Enrol(ctx, f.other, wrong)
		breaks(t, err, "customer.iban", "iban.checksum")
		if len(keys.names) != 0 {
			t.Errorf("made %d keys for what was refused before", len(keys.names))
		}
		_, err = c.Enrol(ctx, f.customer, in)
		refusal(t, err, fault.Exists, ReasonCustomerExists)
		keys.check(t, c, 0)
		if after := w.names(ctx, t, ""); len(after) != len(before) {
			t.Errorf("there are %d objects, before there were %d", len(after), len(before))
		}
	})
}

// created remembers the keys that were made.
type created struct {
	mu    sync.Mutex
	names []string
}

func (k *created) script(_ context.Context, call custodytest.Call) custodytest.Fate {
	k.mu.Lock()
	defer k.mu.Unlock()
	if call.Op == "vault.create" {
		k.names = append(k.names, call.Name)
	}
	return custodytest.Pass
}

// check says whether so many of the keys are left.
func (k *created) check(t *testing.T, c *Custodian, want int) {
	t.Helper()
	left := 0
	for _, name := range k.names {
		_, err := c.keys.Info(t.Context(), name)
		if err == nil {
			left++
		} else if !errors.Is(err, vault.ErrNotFound) {
			t.Error(err)
		}
	}
	if left != want {
		t.Errorf("%d of %d keys are left, want %d", left, len(k.names), want)
	}
}

// TestEnrolAtOnce enrols the same customer through several servers. One of them
// does, and only its key stays.
func TestEnrolAtOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, name, keys := t.Context(), w.newCustomer(), &created{}
		var mu sync.Mutex
		answers := map[string]int{}
		var group sync.WaitGroup
		for i := range 6 {
			c := w.server(t, w.scripted(keys.script))
			group.Go(func() {
				_, err := c.Enrol(ctx, name, Enrolment{Values: custodytest.NewSpecimens(uint64(i)).PlainCustomer()})
				mu.Lock()
				defer mu.Unlock()
				answers[fault.ReasonOf(err)]++
			})
		}
		group.Wait()
		if answers[""] != 1 || answers[ReasonCustomerExists] != 5 {
			t.Errorf("answers %v", answers)
		}
		keys.check(t, w.server(t), 1)
		w.mustBeWhole(ctx, t)
	})
}

// TestSubjectIsNotTheCustomer: the audit log's name of a customer is random and
// new with each enrolment, and no object or key is named after the customer.
func TestSubjectIsNotTheCustomer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, c := t.Context(), w.server(t)
	seen := map[string]bool{}
	f := w.fixture(ctx, t)
	for range 2 {
		d, err := c.view(ctx, f.customer)
		if err != nil {
			t.Fatal(err)
		}
		seen[d.stored.GetSubjectId()], seen[d.key.Name] = true, true
		for _, name := range append(w.names(ctx, t, ""), d.key.Name) {
			if strings.Contains(name, f.customer.ID) {
				t.Errorf("%s names the customer", name)
			}
		}
		if _, err := erase(ctx, c, f.customer, "asked for it", "", Request{}); err != nil {
			t.Fatal(err)
		}
		if err := w.enrolWhole(ctx, t, c, f); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 4 {
		t.Errorf("subject or key are the same again: %v", seen)
	}
}
