package e2e_test

import (
	"bytes"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/wertfach/wertfach/custody"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// TestComingBack: who comes back while the rules of the law keep something of a former
// contract begins anew at the portal, and only an officer who says for what is given
// what was kept.
func TestComingBack(t *testing.T) {
	onBoth(t, func(t *testing.T, b *backends) {
		d := deploy(t, b, custody.Limits{})
		portal, core, officer := d.client(t, "portal"), d.client(t, "core-banking"), d.officer(t)
		ctx := t.Context()
		enrol := func(returning bool) (*wertfachv1.Customer, error) {
			return portal.Customers.EnrolCustomer(ctx, &wertfachv1.EnrolCustomerRequest{
				Parent: bank, CustomerId: "4711-0815", Customer: erika(), Returning: returning,
			})
		}
		_, err := enrol(true) // of whom nothing is kept
		ok(t, err)
		doc, err := portal.Artefacts.RegisterArtefact(ctx, &wertfachv1.RegisterArtefactRequest{Parent: erikaName, Artefact: document()})
		ok(t, err)
		content := pdfFile(3000, "front")
		_, err = portal.UploadScan(ctx, doc.GetName(), bytes.NewReader(content), int64(len(content)))
		ok(t, err)
		today := time.Now().In(berlin(t)).Format(time.DateOnly)
		_, err = core.Lifecycle.TerminateContract(ctx, &wertfachv1.TerminateContractRequest{Name: erikaName, EffectiveDate: today})
		ok(t, err)

		_, err = enrol(false)
		refused(t, "coming back unsaid", err, "FORMER_CONTRACT_KEPT")
		who, err := enrol(true)
		ok(t, err)
		if who.GetContract().GetState() != wertfachv1.Contract_STATE_ACTIVE || who.GetFamilyName() == "" {
			t.Errorf("who came back is %v", who.GetContract())
		}
		_, err = enrol(true)
		refused(t, "enrolling once more", err, "CUSTOMER_EXISTS")
		_, err = portal.Artefacts.GetArtefact(ctx, &wertfachv1.GetArtefactRequest{Name: doc.GetName()})
		if code, reason, _ := said(err); code != codes.NotFound || reason != "ARTEFACT_NOT_FOUND" {
			t.Errorf("the portal sees what was registered before: %v", err)
		}
		req := &wertfachv1.ExportCustomerRequest{Name: erikaName, Purpose: wertfachv1.ExportPurpose_EXPORT_PURPOSE_ACCESS}
		var archive bytes.Buffer
		summary, err := portal.Export(ctx, req, &archive)
		ok(t, err)
		if r, _ := archived(t, archive.Bytes()); summary.GetScans() != 0 || len(r.FormerContracts) != 1 || !r.FormerContracts[0].Withheld || len(r.FormerContracts[0].Artefacts) > 0 {
			t.Errorf("the portal is given %+v", r.FormerContracts)
		}
		req.RestrictedPurpose = wertfachv1.RestrictedPurpose_RESTRICTED_PURPOSE_LEGAL_CLAIM
		_, err = portal.Export(ctx, req, &archive)
		refused(t, "a purpose of a portal", err, "ROLE_NOT_ALLOWED")
		d.edge.Flush(t)
		asked := time.Now()
		archive.Reset()
		summary, err = officer.Export(ctx, req, &archive)
		ok(t, err)
		r, files := archived(t, archive.Bytes())
		if summary.GetScans() != 1 || len(r.FormerContracts) != 1 || len(r.FormerContracts[0].Artefacts) != 1 {
			t.Fatalf("an officer is given %v, %+v", summary, r.FormerContracts)
		}
		if scan := r.FormerContracts[0].Artefacts[0].Scans[0]; !bytes.Equal(files[scan.File], content) {
			t.Errorf("%s is not what was uploaded", scan.File)
		}
		if events := d.edge.Recorded(t, asked); len(events) != 1 || events[0].Purpose != "LEGAL_CLAIM" {
			t.Errorf("on record: %+v", events)
		}
		kept, err := core.Lifecycle.ExplainRetention(ctx, &wertfachv1.ExplainRetentionRequest{Name: erikaName})
		ok(t, err)
		former := 0
		for _, h := range kept.GetHoldings() {
			if h.GetFormerEffectiveDate() == today {
				former++
			}
		}
		if former < 2 || former == len(kept.GetHoldings()) {
			t.Errorf("of the former contract is held %v", kept.GetHoldings())
		}
	})
}
