package custody

import (
	"bytes"
	"context"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/seal"
	"github.com/wertfach/wertfach/internal/custodytest"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
	"github.com/wertfach/wertfach/vault"
)

// fixture is a customer to whom something is going to happen: with a SIM card, a
// bike, a document with a scan, a contract whose end is fixed, and a request for its
// erasure. All fixtures
// hold the same, so that two of them can be compared.
type fixture struct {
	customer            resource.Customer
	other               resource.Customer // who is not enrolled
	sim, bike, document resource.Artefact
	scan                resource.Scan
	etag                string       // the customer's
	values              field.Values // the SIM card's
}

// Days that lie ahead.
const (
	farDay     = "2199-01-01"
	fartherDay = "2199-12-31"
)

// fixture makes one with few writes, since there are many.
func (w *world) fixture(ctx context.Context, t testing.TB) *fixture {
	t.Helper()
	c, s := w.server(t), custodytest.NewSpecimens(1)
	f := &fixture{customer: w.newCustomer(), other: w.newCustomer()}
	ids := []string{newID(), newID(), newID()}
	kinds := []string{"sim_card", "bike", "document"}
	if _, err := c.Enrol(ctx, f.customer, Enrolment{Values: s.PlainCustomer(), Services: custodytest.Services()}); err != nil {
		t.Fatal("fixture: ", err)
	}
	d, err := c.view(ctx, f.customer)
	if err != nil {
		t.Fatal("fixture: ", err)
	}
	scan := w.putScan(ctx, t, c, d, s.PDF(40_000))
	f.values = s.Artefact("sim_card")
	values := []field.Values{f.values, s.Artefact("bike"), s.Artefact("document")}
	d, _, err = c.change(ctx, f.customer, Request{}, needs{secret: true}, func(d *Dossier) ([]string, error) {
		for i, kind := range kinds {
			if err := d.register(ids[i], newRevision(), Draft{Kind: kind, Values: values[i]}); err != nil {
				return nil, err
			}
		}
		if err := d.linkScan(ids[2], newRevision(), scan); err != nil {
			return nil, err
		}
		return nil, d.terminate(farDay, "moved abroad", newRevision())
	})
	if err != nil {
		t.Fatal("fixture: ", err)
	}
	named := func(id string) resource.Artefact { return resource.Artefact{Customer: f.customer, ID: id} }
	f.sim, f.bike, f.document = named(ids[0]), named(ids[1]), named(ids[2])
	f.scan = resource.Scan{Artefact: f.document, ID: scan.GetId()}
	f.etag = d.customer().ETag
	if _, err := c.RequestErasure(ctx, f.customer, askedFor("asked for it", ""), Request{}); err != nil {
		t.Fatal("fixture: ", err)
	}
	return f
}

// putScan stores a scan that no dossier refers to.
func (w *world) putScan(ctx context.Context, t testing.TB, c *Custodian, d *Dossier, content []byte) *storagev1.Scan {
	t.Helper()
	dk, err := c.keys.DataKey(ctx, d.key.Name, vault.Scan)
	if err != nil {
		t.Fatal(err)
	}
	id, sum := newID(), sha256.Sum256(content)
	key := seal.Key{Name: d.key.Name, Wrapped: dk.Wrapped, Plaintext: dk.Plaintext}
	sealed, size, err := seal.SealStream(key, d.place.scanBinding(id), bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.store.PutStream(ctx, d.place.scan(id), sealed, size, blobstore.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	return &storagev1.Scan{
		Id: id, FileName: "first.pdf", MediaType: "application/pdf", SizeBytes: int64(len(content)), Sha256: sum[:],
	}
}

func addPDF(ctx context.Context, c *Custodian, name resource.Artefact, content []byte, req Request) (Scan, error) {
	in := ScanDraft{Field: "scan", FileName: "scan.pdf", MediaType: "application/pdf", Size: int64(len(content))}
	return c.AddScan(ctx, name, in, bytes.NewReader(content), req)
}

// act is something that happens to a fixture.
type act struct {
	name string
	do   func(ctx context.Context, c *Custodian, f *fixture, req Request) error
}

// cameBack is the act of a customer whose contract has ended.
const cameBack = "come back"

// fixtureFor makes a fixture to whom these acts are going to happen. Where one is to
// come back, the contract has ended, and a hold keeps sweeps from what is kept of it.
func (w *world) fixtureFor(ctx context.Context, t testing.TB, acts ...act) *fixture {
	t.Helper()
	f := w.fixture(ctx, t)
	if !slices.ContainsFunc(acts, func(a act) bool { return a.name == cameBack }) {
		return f
	}
	c := w.server(t)
	if _, err := c.Hold(ctx, f.customer, HoldDraft{Kind: "KIND_LEGAL_CLAIM", Reason: "4 O 12/26"}, Request{}); err != nil {
		t.Fatal("fixture: ", err)
	}
	if _, err := c.Terminate(ctx, f.customer, today(c), "moved abroad", Request{}); err != nil {
		t.Fatal("fixture: ", err)
	}
	return f
}

// acts are all sorts of changes. Done to two fixtures, each has the same effect.
func acts() []act {
	return []act{
		{"enrol", func(ctx context.Context, c *Custodian, f *fixture, req Request) error {
			_, err := c.Enrol(ctx, f.other, Enrolment{
				Values: custodytest.NewSpecimens(2).PlainCustomer(), Services: custodytest.Services(), Request: req,
			})
			return err
		}},
		{"update customer", func(ctx context.Context, c *Custodian, f *fixture, req Request) error {
			_, err := c.UpdateCustomer(ctx, f.customer, Update{
				Values: field.Values{"given_name": "Ada", "online_banking_login": "ada"},
				Paths:  []string{"given_name", "online_banking_login", "email"}, Request: req,
			})
			return err
		}},
		{"register", func(ctx context.Context, c *Custodian, f *fixture, req Request) error {
			s := custodytest.NewSpecimens(3)
			_, err := c.Register(ctx, f.customer, []Draft{
				{Field: "a", Kind: "device", Values: s.Artefact("device")},
				{Field: "b", Kind: "payment_card", Values: s.Artefact("payment_card")},
			}, req)
			return err
		}},
		{"update artefact", func(ctx context.Context, c *Custodian, f *fixture, req Request) error {
			s := custodytest.NewSpecimens(4)
			_, err := c.UpdateArtefact(ctx, f.sim, "sim_card", Update{
				Values: s.Artefact("sim_card"), Paths: []string{"sim_card.iccid", "sim_card.puk", "label"}, Request: req,
			})
			return err
		}},
		{"change it back", func(ctx context.Context, c *Custodian, f *fixture, req Request) error {
			_, err := c.UpdateArtefact(ctx, f.sim, "sim_card", Update{
				Values: f.values, Paths: []string{"sim_card.iccid"}, Request: req,
			})
			return err
		}},
		{"add scan", func(ctx context.Context, c *Custodian, f *fixture, req Request) error {
			_, err := addPDF(ctx, c, f.document, custodytest.NewSpecimens(5).PDF(70_000), req)
			return err
		}},
		{"delete scan", func(ctx context.Context, c *Custodian, f *fixture, req Request) error {
			return c.DeleteScan(ctx, f.scan, req)
		}},
		{"delete artefact", func(ctx context.Context, c *Custodian, f *fixture, req Request) error {
			return c.DeleteArtefact(ctx, f.document, "", req)
		}},
		{"withdraw", func(ctx context.Context, c *Custodian, f *fixture, req Request) error {
			_, err := c.SetServices(ctx, f.customer, []string{"SERVICE_BIKE_PROTECTION", "SERVICE_DEVICE_INSURANCE"}, f.etag, req)
			return err
		}},
		{"terminate", func(ctx context.Context, c *Custodian, f *fixture, req Request) error {
			_, err := c.Terminate(ctx, f.customer, fartherDay, "changed his mind", req)
			return err
		}},
		{"terminate again", func(ctx context.Context, c *Custodian, f *fixture, req Request) error {
			_, err := c.Terminate(ctx, f.customer, farDay, "moved abroad", req)
			return err
		}},
		{"cancel", func(ctx context.Context, c *Custodian, f *fixture, req Request) error {
			_, err := c.CancelTermination(ctx, f.customer, req)
			return err
		}},
		{cameBack, func(ctx context.Context, c *Custodian, f *fixture, req Request) error {
			in := back(6)
			in.Request = req
			_, err := c.Enrol(ctx, f.customer, in)
			return err
		}},
		{"rotate", func(ctx context.Context, c *Custodian, f *fixture, _ Request) error {
			_, err := c.Rotate(ctx, RotateOptions{Customer: f.customer, Recorder: &book{}})
			return err
		}},
		{"erase", func(ctx context.Context, c *Custodian, f *fixture, req Request) error {
			_, err := erase(ctx, c, f.customer, "asked for it", "", req)
			return err
		}},
	}
}

// state is what became of a fixture.
func (w *world) state(ctx context.Context, t testing.TB, f *fixture) string {
	t.Helper()
	return w.describe(ctx, t, f.customer) + "--\n" + w.describe(ctx, t, f.other)
}

// erase has a customer erased by an officer who confirms what another has asked for:
// that of the fixture, or else one more.
func erase(ctx context.Context, c *Custodian, name resource.Customer, reason, etag string, req Request) (Receipt, error) {
	for {
		out, err := c.Erase(ctx, name, Confirmation{By: "officer-paul", ETag: etag}, req)
		if fault.ReasonOf(err) != ReasonErasureNotRequested {
			return out, err
		}
		_, err = c.RequestErasure(ctx, name, askedFor(reason, etag), Request{})
		switch fault.ReasonOf(err) {
		case "", ReasonErasureRequested, ReasonCustomerNotFound, ReasonBeingErased: // somebody else was first
		default:
			return Receipt{}, err
		}
	}
}

func askedFor(reason, etag string) ErasureDraft {
	return ErasureDraft{Ground: "GROUND_UNLAWFUL", Reason: reason, ETag: etag, By: "officer-ines"}
}
