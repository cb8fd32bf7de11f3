package custody

import (
	"context"
	"testing"

	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/internal/custodytest"
)

// A story is what happens to one customer, one step after the other. The same
// story makes of every customer the same, so that what must be there after each
// step can be known beforehand.
type story struct {
	name  string
	steps []step
}

type step func(ctx context.Context, c *Custodian, of *teller) error

// teller remembers what a story has made so far.
type teller struct {
	customer  resource.Customer
	specimens *custodytest.Specimens
	artefacts []resource.Artefact
	scans     []resource.Scan
}

func newTeller(customer resource.Customer) *teller {
	return &teller{customer: customer, specimens: custodytest.NewSpecimens(40)}
}

// stories cover what can be interrupted.
func stories() []story {
	return []story{
		{"register", []step{enrols, registers("bike"), registers("sim_card", "device"), registers("document", "payment_card")}},
		{"upload", []step{enrols, registers("document"), uploads, uploads, removesScan, uploads}},
		{"delete", []step{enrols, registers("bike", "sim_card", "document"), uploads, removes, removes, removes}},
		{"withdraw", []step{
			enrols, registers("bike", "sim_card", "device", "document"), uploads,
			books("SERVICE_BIKE_PROTECTION", "SERVICE_DOCUMENT_PROTECTION"), books("SERVICE_BIKE_PROTECTION"), books(),
		}},
		{"terminate", []step{enrols, registers("bike"), ends(farDay), ends(fartherDay), cancels, ends(farDay)}},
		{"erase", []step{enrols, registers("bike", "document"), uploads, ends(farDay), erases, enrols, registers("device"), erases}},
	}
}

func enrols(ctx context.Context, c *Custodian, of *teller) error {
	_, err := c.Enrol(ctx, of.customer, Enrolment{Values: of.specimens.PlainCustomer(), Services: custodytest.Services()})
	return err
}

func registers(kinds ...string) step {
	return func(ctx context.Context, c *Custodian, of *teller) error {
		var drafts []Draft
		for _, kind := range kinds {
			drafts = append(drafts, Draft{Kind: kind, Values: of.specimens.Artefact(kind)})
		}
		list, err := c.Register(ctx, of.customer, drafts, Request{})
		for _, a := range list {
			of.artefacts = append(of.artefacts, a.Name)
		}
		return err
	}
}

func uploads(ctx context.Context, c *Custodian, of *teller) error {
	scan, err := addPDF(ctx, c, of.artefacts[len(of.artefacts)-1], of.specimens.PDF(50_000), Request{})
	of.scans = append(of.scans, scan.Name)
	return err
}

func removesScan(ctx context.Context, c *Custodian, of *teller) error {
	return c.DeleteScan(ctx, of.scans[0], Request{})
}

func removes(ctx context.Context, c *Custodian, of *teller) error {
	last := of.artefacts[len(of.artefacts)-1]
	of.artefacts = of.artefacts[:len(of.artefacts)-1]
	return c.DeleteArtefact(ctx, last, "", Request{})
}

func books(services ...string) step {
	return func(ctx context.Context, c *Custodian, of *teller) error {
		customer, err := c.Customer(ctx, of.customer)
		if err == nil {
			_, err = c.SetServices(ctx, of.customer, services, customer.ETag, Request{})
		}
		return err
	}
}

func ends(day string) step {
	return func(ctx context.Context, c *Custodian, of *teller) error {
		_, err := c.Terminate(ctx, of.customer, day, "", Request{})
		return err
	}
}

func cancels(ctx context.Context, c *Custodian, of *teller) error {
	_, err := c.CancelTermination(ctx, of.customer, Request{})
	return err
}

func erases(ctx context.Context, c *Custodian, of *teller) error {
	_, err := erase(ctx, c, of.customer, "asked for it", "", Request{})
	return err
}

// states tells the story undisturbed and gives the customer's state before its
// first step and after each.
func (s story) states(t testing.TB, w *world) []string {
	t.Helper()
	of, c := newTeller(w.newCustomer()), w.server(t)
	states := []string{gone}
	for i, do := range s.steps {
		if err := do(t.Context(), c, of); err != nil {
			t.Fatalf("%s, step %d: %v", s.name, i, err)
		}
		states = append(states, w.describe(t.Context(), t, of.customer))
	}
	return states
}
