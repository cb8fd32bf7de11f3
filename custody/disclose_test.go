package custody

import (
	"testing"
	"time"

	"github.com/wertfach/wertfach/custody/fault"
)

// TestDisclosuresAreKept records, lists, tells and repeats on each back end.
func TestDisclosuresAreKept(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		f := w.fixture(ctx, t)
		req := request("one")
		in := DisclosureDraft{Recipient: " Insurer  AG ", Purpose: "PURPOSE_CLAIM", Artefacts: []string{f.bike.String()}, Classes: []string{"customer"}}
		first, err := c.Disclose(ctx, f.customer, in, req)
		if err != nil || first.Recipient != "Insurer AG" && first.Recipient != "Insurer  AG" || len(first.Artefacts) != 1 || first.Artefacts[0] != f.bike {
			t.Fatalf("%+v, %v", first, err)
		}
		again, err := c.Disclose(ctx, f.customer, in, req)
		if err != nil || again.ID != first.ID {
			t.Errorf("repeated: %+v, %v", again, err)
		}
		if _, err := c.UpdateCustomer(ctx, f.customer, Update{Values: map[string]string{"given_name": "Ada"}, Paths: []string{"given_name"}}); err != nil {
			t.Fatal(err)
		}
		list, more, err := c.Disclosures(ctx, f.customer, Page{Size: 1})
		if err != nil || len(list) != 1 || !more || list[0].ID != first.ID {
			t.Fatalf("%+v, %t, %v", list, more, err)
		}
		list, more, err = c.Disclosures(ctx, f.customer, Page{Size: 1, After: first.ID})
		if err != nil || len(list) != 1 || more || !list[0].Owed() || list[0].Recipient != first.Recipient {
			t.Fatalf("%+v, %t, %v", list, more, err)
		}
		if _, _, err := c.Disclosures(ctx, f.customer, Page{Size: 1, After: "nowhere"}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("a page that leads nowhere: %v", err)
		}
		told, err := c.Disclose(ctx, f.customer, DisclosureDraft{Recipient: first.Recipient, Purpose: purposeNotice}, request("told"))
		if err != nil || told.ID != list[0].ID || told.Owed() || told.Told.After(w.clock.now().Add(time.Second)) {
			t.Errorf("told: %+v, %v", told, err)
		}
		// What is restricted is still accounted for, and not shown to everybody.
		if _, err := c.Restrict(ctx, f.customer, "GROUND_OBJECTION", Request{}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Disclose(ctx, f.customer, in, Request{}); err != nil {
			t.Errorf("while restricted: %v", err)
		}
		_, _, err = c.Disclosures(ctx, f.customer, Page{Size: 1})
		refusal(t, err, fault.Precondition, ReasonRestricted)
		if list, _, err := c.Disclosures(ForRestricted(ctx, "LEGAL_CLAIM"), f.customer, Page{Size: 9}); err != nil || len(list) != 3 {
			t.Errorf("for a claim: %+v, %v", list, err)
		}
	})
}
