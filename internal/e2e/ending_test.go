package e2e_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/receipt"
	"github.com/wertfach/wertfach/internal/servertest"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// withdraw leaves a service: all of it goes, and nothing else.
func (s *story) withdraw(t *testing.T) {
	scans, pointers := s.objects(t, "musterbank/scans/"), s.objects(t, "index/")
	photo := everyFile(t, 1<<10)[1]
	_, err := s.c.UploadScan(t.Context(), s.artefacts["racing bike"].GetName(), bytes.NewReader(photo.content), int64(len(photo.content)))
	ok(t, err)
	_, err = s.c.Artefacts.RegisterArtefact(t.Context(), &wertfachv1.RegisterArtefactRequest{Parent: erikaName, Artefact: bike()})
	ok(t, err)

	left := everyService[1:] // all but bikes
	got, err := s.c.Customers.SetServices(t.Context(), &wertfachv1.SetServicesRequest{Name: erikaName, Services: left, Etag: s.customer.GetEtag()})
	ok(t, err)
	equal(t, got.GetServices(), left)
	s.customer = got
	for label, a := range s.artefacts {
		if a.GetBike() != nil {
			delete(s.artefacts, label)
		}
	}
	var labels []string
	for a, err := range s.c.AllArtefacts(t.Context(), erikaName) {
		ok(t, err)
		if a.GetBike() != nil {
			t.Errorf("%s is still there", a.GetLabel())
		}
		labels = append(labels, a.GetLabel())
	}
	if len(labels) != len(s.artefacts) {
		t.Errorf("left are %q, want %d", labels, len(s.artefacts))
	}
	// A bike has two pointers: frame and sticker. One bike was there before.
	equal(t, s.objects(t, "musterbank/scans/"), scans)
	equal(t, s.objects(t, "index/"), pointers-2)
	equal(t, s.objects(t, "musterbank/pending/"), 0)
	_, err = s.c.Artefacts.RegisterArtefact(t.Context(), &wertfachv1.RegisterArtefactRequest{Parent: erikaName, Artefact: bike()})
	refused(t, "registering a bike", err, "SERVICE_NOT_BOOKED")
}

// verificationCode registers a card at the institute that issued it and says why
// it keeps the code (PCI DSS v4, 3.3.3).
func (s *story) verificationCode(t *testing.T) {
	ctx := t.Context()
	_, err := s.core.Customers.EnrolCustomer(ctx, &wertfachv1.EnrolCustomerRequest{Parent: issuer, CustomerId: "4711-0815", Customer: erika()})
	ok(t, err)
	a, err := s.c.Artefacts.RegisterArtefact(ctx, &wertfachv1.RegisterArtefactRequest{Parent: issuer + "/customers/4711-0815", Artefact: issuedCard()})
	ok(t, err)
	equal(t, a.GetPaymentCard().GetCardVerificationCode(), "••••")
	revealed, err := s.c.Artefacts.RevealArtefact(ctx, &wertfachv1.RevealArtefactRequest{
		Name: a.GetName(), Purpose: wertfachv1.RevealPurpose_REVEAL_PURPOSE_BLOCK, Fields: mask("payment_card.card_verification_code"),
	})
	ok(t, err)
	want := plainArtefact(a)
	want.GetPaymentCard().CardVerificationCode = "737"
	same(t, plainArtefact(revealed), want)
	_, err = servertest.Erase(ctx, s.officers(t), issuer+"/customers/4711-0815", "end of the card")
	ok(t, err)
}

// everyChange tries all that an ended contract forbids.
func (s *story) everyChange(t *testing.T) map[string]error {
	t.Helper()
	ctx, mobile := t.Context(), s.artefacts["mobile"]
	out := map[string]error{}
	_, out["register"] = s.c.Artefacts.RegisterArtefact(ctx, &wertfachv1.RegisterArtefactRequest{Parent: erikaName, Artefact: sim()})
	_, out["register a batch"] = s.c.Artefacts.BatchRegisterArtefacts(ctx, &wertfachv1.BatchRegisterArtefactsRequest{Parent: erikaName, Artefacts: everyKind()[1:2]})
	_, out["update an artefact"] = s.c.Artefacts.UpdateArtefact(ctx, &wertfachv1.UpdateArtefactRequest{
		Artefact: &wertfachv1.Artefact{Name: mobile.GetName(), Label: "other", Kind: mobile.GetKind()}, UpdateMask: mask("label"),
	})
	_, out["reveal"] = s.c.Artefacts.RevealArtefact(ctx, &wertfachv1.RevealArtefactRequest{
		Name: mobile.GetName(), Purpose: wertfachv1.RevealPurpose_REVEAL_PURPOSE_UNLOCK,
	})
	_, out["upload"] = s.c.UploadScan(ctx, s.artefacts["Perso"].GetName(), bytes.NewReader(s.files[0].content), int64(len(s.files[0].content)))
	_, out["download"] = s.c.DownloadScan(ctx, s.scans[0].GetName(), io.Discard)
	_, out["update the customer"] = s.c.Customers.UpdateCustomer(ctx, &wertfachv1.UpdateCustomerRequest{
		Customer: &wertfachv1.Customer{Name: erikaName, GivenName: "Emma"}, UpdateMask: mask("given_name"),
	})
	_, out["set services"] = s.c.Customers.SetServices(ctx, &wertfachv1.SetServicesRequest{Name: erikaName, Services: everyService, Etag: s.customer.GetEtag()})
	_, out["cancel the termination"] = s.core.Lifecycle.CancelTermination(ctx, &wertfachv1.CancelTerminationRequest{Name: erikaName})
	_, out["terminate again"] = s.core.Lifecycle.TerminateContract(ctx, &wertfachv1.TerminateContractRequest{Name: erikaName, EffectiveDate: "2099-01-01"})
	return out
}

func (s *story) erase(t *testing.T) {
	officers, keys := s.officers(t), len(s.keyNames(t))
	_, err := officers.EraseCustomer(t.Context(), &wertfachv1.EraseCustomerRequest{Name: erikaName})
	refused(t, "erasing what nobody asked for", err, "ERASURE_NOT_REQUESTED")
	_, err = officers.RequestErasure(t.Context(), erasure(erikaName, "asked for it"))
	ok(t, err)
	_, err = officers.EraseCustomer(t.Context(), &wertfachv1.EraseCustomerRequest{Name: erikaName, Etag: "stale"})
	refused(t, "erasing with a stale etag", err, "STALE_ETAG")
	got, err := officers.EraseCustomer(t.Context(), &wertfachv1.EraseCustomerRequest{
		Name: erikaName, Reason: "seen the letter", Etag: s.customer.GetEtag(),
	})
	ok(t, err)
	s.receipt = got
	equal(t, len(s.keyNames(t)), keys-1)
	equal(t, s.objects(t, "musterbank/"), 1) // the receipt
	equal(t, s.objects(t, "musterbank/receipts/"), 1)
	equal(t, s.objects(t, "index/"), 0)

	want := map[string]int32{"dossier": 1, "scan": int32(len(s.scans))}
	for _, a := range s.artefacts {
		want["artefact."+kindOf(a)]++
		want["pointer"] += map[string]int32{"sim_card": 1, "device": 2, "document": 1}[kindOf(a)]
	}
	equal(t, got.GetDestroyed(), want)
	if got.GetRequestedBy() == got.GetConfirmedBy() || got.GetRequestedBy() == "" || got.GetConfirmation() != "seen the letter" || got.GetBasis() != "Art. 17(1)(b) GDPR" {
		t.Errorf("the receipt names %q and %q, %q, %q", got.GetRequestedBy(), got.GetConfirmedBy(), got.GetConfirmation(), got.GetBasis())
	}
	if got.GetReason() != "asked for it" || got.GetPolicy() != "on-request" || got.GetKeyVersion() != 1 || got.GetKeyName() == "" ||
		!recent(got.GetDestroyTime()) || got.GetCompleteTime().AsTime().Before(got.GetDestroyTime().AsTime()) {
		t.Errorf("receipt %v", got)
	}
	for _, name := range s.keyNames(t) {
		if name == got.GetKeyName() {
			t.Error("the receipt's key is still there")
		}
	}
	s.verify(t)

	again, err := officers.EraseCustomer(t.Context(), &wertfachv1.EraseCustomerRequest{Name: erikaName, Reason: "twice"})
	ok(t, err)
	same(t, again, got)
	list, err := officers.ListErasureReceipts(t.Context(), &wertfachv1.ListErasureReceiptsRequest{Parent: bank})
	ok(t, err)
	same(t, list, &wertfachv1.ListErasureReceiptsResponse{Receipts: []*wertfachv1.ErasureReceipt{got}})
	read, err := s.core.Lifecycle.GetErasureReceipt(t.Context(), &wertfachv1.GetErasureReceiptRequest{Name: got.GetName()})
	ok(t, err)
	same(t, read, got)
}

// verify checks the receipt as its holder does, with the public keys alone.
func (s *story) verify(t *testing.T) {
	t.Helper()
	pem, err := custody.PublicKeys(t.Context(), s.keys)
	ok(t, err)
	keys, err := receipt.ParseKeys(pem)
	ok(t, err)
	statement, err := receipt.Verify(s.receipt.GetEnvelope(), keys)
	ok(t, err)
	if statement.Receipt != s.receipt.GetName() || statement.KeyName != s.receipt.GetKeyName() ||
		!statement.KeyDestroyed.Equal(s.receipt.GetDestroyTime().AsTime()) || statement.Reason != s.receipt.GetReason() {
		t.Errorf("the signed statement is another one: %+v", statement)
	}
	forged := bytes.Replace(s.receipt.GetEnvelope(), []byte(`"sig": "`), []byte(`"sig": "AAAA`), 1)
	if _, err := receipt.Verify(forged, keys); !errors.Is(err, receipt.ErrInvalid) {
		t.Errorf("a forged receipt: %v", err)
	}
}

func (s *story) nothingOpens(t *testing.T) {
	ctx := t.Context()
	out := s.everyChange(t)
	_, out["get"] = s.c.Customers.GetCustomer(ctx, &wertfachv1.GetCustomerRequest{Name: erikaName})
	_, out["list"] = s.c.Artefacts.ListArtefacts(ctx, &wertfachv1.ListArtefactsRequest{Parent: erikaName})
	_, out["get an artefact"] = s.c.Artefacts.GetArtefact(ctx, &wertfachv1.GetArtefactRequest{Name: s.artefacts["mobile"].GetName()})
	_, out["delete an artefact"] = s.c.Artefacts.DeleteArtefact(ctx, &wertfachv1.DeleteArtefactRequest{Name: s.artefacts["mobile"].GetName()})
	_, out["delete a scan"] = s.c.Artefacts.DeleteScan(ctx, &wertfachv1.DeleteScanRequest{Name: s.scans[0].GetName()})
	for what, err := range out {
		refused(t, what, err, "CUSTOMER_NOT_FOUND")
	}
}

// enrolAgain shows that a customer who comes back begins anew, and that a
// second erasure has a receipt of its own.
func (s *story) enrolAgain(t *testing.T) {
	ctx := t.Context()
	got, err := s.core.Customers.EnrolCustomer(ctx, &wertfachv1.EnrolCustomerRequest{Parent: bank, CustomerId: "4711-0815", Customer: erika()})
	ok(t, err)
	same(t, plainCustomer(got), maskedErika())
	for _, err := range s.c.AllArtefacts(ctx, erikaName) {
		ok(t, err)
		t.Error("something came back")
	}
	_, err = s.c.DownloadScan(ctx, s.scans[0].GetName(), io.Discard)
	refused(t, "an old scan", err, "ARTEFACT_NOT_FOUND")
	second, err := servertest.Erase(ctx, s.officers(t), erikaName, "left again")
	ok(t, err)
	if second.GetName() == s.receipt.GetName() || second.GetKeyName() == s.receipt.GetKeyName() {
		t.Error("the second erasure has the first one's receipt or key")
	}
	first, err := s.core.Lifecycle.GetErasureReceipt(ctx, &wertfachv1.GetErasureReceiptRequest{Name: s.receipt.GetName()})
	ok(t, err)
	same(t, first, s.receipt)
}

// sweep shows that a contract which ended needs nobody to erase it.
func (s *story) sweep(t *testing.T) {
	ctx := t.Context()
	_, err := s.core.Customers.EnrolCustomer(ctx, &wertfachv1.EnrolCustomerRequest{Parent: bank, CustomerId: "4711-0815", Customer: erika()})
	ok(t, err)
	_, err = s.c.Artefacts.BatchRegisterArtefacts(ctx, &wertfachv1.BatchRegisterArtefactsRequest{Parent: erikaName, Artefacts: everyKind()})
	ok(t, err)
	_, err = s.core.Lifecycle.TerminateContract(ctx, &wertfachv1.TerminateContractRequest{
		Name: erikaName, EffectiveDate: time.Now().In(berlin(t)).Format(time.DateOnly), Reason: "end of contract",
	})
	ok(t, err)
	report, err := s.custodian.Sweep(ctx, custody.SweepOptions{})
	ok(t, err)
	equal(t, report, custody.SweepReport{Erased: 1})
	_, err = s.core.Customers.GetCustomer(ctx, &wertfachv1.GetCustomerRequest{Name: erikaName})
	refused(t, "get", err, "CUSTOMER_NOT_FOUND")
	equal(t, s.objects(t, "musterbank/"), 3) // three receipts
	equal(t, s.objects(t, "index/"), 0)
	again, err := servertest.Erase(ctx, s.officers(t), erikaName, "late")
	ok(t, err)
	if again.GetPolicy() != "retention" || again.GetReason() != "end of contract" {
		t.Errorf("the sweep's receipt: %v", again)
	}
}

func (s *story) deleteArtefact(t *testing.T) {
	pointers := s.objects(t, "index/")
	gone := s.artefacts["daughter's bike"]
	photo := everyFile(t, 1<<10)[1]
	scan, err := s.c.UploadScan(t.Context(), gone.GetName(), bytes.NewReader(photo.content), int64(len(photo.content)), client.MediaType(photo.mediaType))
	ok(t, err)
	scans := s.objects(t, "musterbank/scans/")
	_, err = s.c.Artefacts.DeleteArtefact(t.Context(), &wertfachv1.DeleteArtefactRequest{Name: gone.GetName()})
	ok(t, err)
	_, err = s.c.Artefacts.GetArtefact(t.Context(), &wertfachv1.GetArtefactRequest{Name: gone.GetName()})
	refused(t, "get", err, "ARTEFACT_NOT_FOUND")
	_, err = s.c.DownloadScan(t.Context(), scan.GetName(), io.Discard)
	refused(t, "download", err, "ARTEFACT_NOT_FOUND")
	equal(t, s.objects(t, "musterbank/scans/"), scans-1)
	equal(t, s.objects(t, "index/"), pointers-2)
	equal(t, s.objects(t, "musterbank/pending/"), 0)
	delete(s.artefacts, gone.GetLabel())
}
