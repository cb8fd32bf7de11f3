package e2e_test

import (
	"testing"
	"time"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// TestStory is the whole life of a customer, through the Go client, in the
// order in which it is told.
func TestStory(t *testing.T) {
	onBoth(t, func(t *testing.T, b *backends) {
		d := deploy(t, b, custody.Limits{})
		s := &story{deployment: d, c: d.client(t, "portal"), core: d.client(t, "core-banking"), artefacts: map[string]*wertfachv1.Artefact{}}
		for _, chapter := range []struct {
			title string
			tell  func(*testing.T)
		}{
			{"enrol", s.enrol},
			{"register one of each kind", s.register},
			{"register several at once", s.registerBatch},
			{"list and get masked", s.read},
			{"update the customer", s.updateCustomer},
			{"update an artefact", s.updateArtefact},
			{"reveal", s.reveal},
			{"upload and download scans", s.uploads},
			{"delete a scan", s.deleteScan},
			{"delete an artefact", s.deleteArtefact},
			{"withdraw a service", s.withdraw},
			{"keep a code of the issuing bank's card", s.verificationCode},
			{"terminate and cancel", s.terminateAndCancel},
			{"terminate today", s.terminateToday},
			{"erase", s.erase},
			{"nothing opens", s.nothingOpens},
			{"enrol again", s.enrolAgain},
			{"sweep what has ended", s.sweep},
		} {
			if !t.Run(chapter.title, chapter.tell) {
				return // what follows builds upon it
			}
		}
	})
}

// story is what the chapters hand on.
type story struct {
	*deployment
	c    *client.Client // the portal
	core *client.Client // core banking

	customer  *wertfachv1.Customer
	artefacts map[string]*wertfachv1.Artefact // by label
	scans     []*wertfachv1.Scan              // of the document, with content
	files     []scanFile
	receipt   *wertfachv1.ErasureReceipt
}

const erikaName = bank + "/customers/4711-0815"

func (s *story) enrol(t *testing.T) {
	got, err := s.core.Customers.EnrolCustomer(t.Context(), &wertfachv1.EnrolCustomerRequest{
		Parent: bank, CustomerId: "4711-0815", Customer: erika(),
	})
	ok(t, err)
	s.customer = got
	same(t, plainCustomer(got), maskedErika())
	if got.GetName() != erikaName || got.GetEtag() == "" || !recent(got.GetCreateTime()) || !recent(got.GetUpdateTime()) {
		t.Errorf("enrolled as %v", got)
	}
	if state := got.GetContract().GetState(); state != wertfachv1.Contract_STATE_ACTIVE {
		t.Errorf("the contract is %v", state)
	}
}

func (s *story) register(t *testing.T) {
	for i, specimen := range everyKind() {
		got, err := s.c.Artefacts.RegisterArtefact(t.Context(), &wertfachv1.RegisterArtefactRequest{Parent: erikaName, Artefact: specimen})
		ok(t, err)
		same(t, plainArtefact(got), maskedKinds()[i])
		if !recent(got.GetCreateTime()) || got.GetEtag() == "" {
			t.Errorf("registered %v", got)
		}
		s.artefacts[got.GetLabel()] = got
	}
}

func (s *story) registerBatch(t *testing.T) {
	first, second := bike(), device()
	first.Label, second.Label = "racing bike", "camera"
	got, err := s.c.Artefacts.BatchRegisterArtefacts(t.Context(), &wertfachv1.BatchRegisterArtefactsRequest{
		Parent: erikaName, Artefacts: []*wertfachv1.Artefact{first, second},
	})
	ok(t, err)
	if len(got.GetArtefacts()) != 2 {
		t.Fatalf("%d artefacts", len(got.GetArtefacts()))
	}
	for i, want := range []*wertfachv1.Artefact{first, second} {
		same(t, plainArtefact(got.GetArtefacts()[i]), want)
		s.artefacts[want.GetLabel()] = got.GetArtefacts()[i]
	}
}

func (s *story) read(t *testing.T) {
	var labels []string
	for a, err := range s.c.AllArtefacts(t.Context(), erikaName) {
		ok(t, err)
		same(t, a, s.artefacts[a.GetLabel()])
		labels = append(labels, a.GetLabel())
		got, err := s.c.Artefacts.GetArtefact(t.Context(), &wertfachv1.GetArtefactRequest{Name: a.GetName()})
		ok(t, err)
		same(t, got, a)
	}
	if len(labels) != len(s.artefacts) {
		t.Errorf("listed %d of %d", len(labels), len(s.artefacts))
	}
	var paged []string
	for req := (&wertfachv1.ListArtefactsRequest{Parent: erikaName, PageSize: 3}); ; {
		page, err := s.c.Artefacts.ListArtefacts(t.Context(), req)
		ok(t, err)
		for _, a := range page.GetArtefacts() {
			paged = append(paged, a.GetLabel())
		}
		if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
			break
		}
		if len(page.GetArtefacts()) != 3 {
			t.Fatalf("a page of %d", len(page.GetArtefacts()))
		}
	}
	equal(t, paged, labels)
	got, err := s.core.Customers.GetCustomer(t.Context(), &wertfachv1.GetCustomerRequest{Name: erikaName})
	ok(t, err)
	same(t, got, s.customer)
}

func (s *story) updateCustomer(t *testing.T) {
	before := s.customer
	got, err := s.c.Customers.UpdateCustomer(t.Context(), &wertfachv1.UpdateCustomerRequest{
		Customer: &wertfachv1.Customer{
			Name: erikaName, Etag: before.GetEtag(), FamilyName: "Gabler", Email: "not meant",
			Address: &wertfachv1.Address{PostalCode: "1010", Country: "AT", Locality: "Wien"}, PhonePassword: "Schöne Müllerin",
		},
		UpdateMask: mask("family_name", "address", "phone_password"),
	})
	ok(t, err)
	want := maskedErika()
	want.FamilyName = "Gabler"
	want.Address = &wertfachv1.Address{PostalCode: "1010", Country: "AT", Locality: "Wien"}
	same(t, plainCustomer(got), want)
	if got.GetEtag() == before.GetEtag() || got.GetUpdateTime().AsTime().Before(before.GetUpdateTime().AsTime()) {
		t.Error("the customer's etag or time did not change")
	}
	same(t, got.GetCreateTime(), before.GetCreateTime())
	s.customer = got
}

func (s *story) updateArtefact(t *testing.T) {
	before := s.artefacts["mobile"]
	got, err := s.c.Artefacts.UpdateArtefact(t.Context(), &wertfachv1.UpdateArtefactRequest{
		Artefact: &wertfachv1.Artefact{
			Name: before.GetName(), Etag: before.GetEtag(),
			Kind: &wertfachv1.Artefact_SimCard{SimCard: &wertfachv1.SimCard{Puk: "12349876", NetworkOperator: "Otherfone"}},
		},
		UpdateMask: mask("sim_card.puk", "sim_card.network_operator", "sim_card.puk2"),
	})
	ok(t, err)
	want := maskedKinds()[1]
	want.GetSimCard().NetworkOperator, want.GetSimCard().Puk2 = "Otherfone", ""
	same(t, plainArtefact(got), want)
	if got.GetEtag() == before.GetEtag() {
		t.Error("the etag did not change")
	}
	// A label needs no word of what it labels.
	got, err = s.c.Artefacts.UpdateArtefact(t.Context(), &wertfachv1.UpdateArtefactRequest{
		Artefact: &wertfachv1.Artefact{Name: before.GetName(), Label: "mobile of 2024"}, UpdateMask: mask("label"),
	})
	ok(t, err)
	want.Label = "mobile of 2024"
	same(t, plainArtefact(got), want)
	s.artefacts["mobile"] = got
}

func (s *story) reveal(t *testing.T) {
	one, err := s.c.Artefacts.RevealArtefact(t.Context(), &wertfachv1.RevealArtefactRequest{
		Name: s.artefacts["mobile"].GetName(), Purpose: wertfachv1.RevealPurpose_REVEAL_PURPOSE_UNLOCK, Fields: mask("sim_card.puk"),
	})
	ok(t, err)
	want := plainArtefact(s.artefacts["mobile"])
	want.GetSimCard().Puk = "12349876"
	same(t, plainArtefact(one), want)

	all, err := s.c.Artefacts.RevealArtefact(t.Context(), &wertfachv1.RevealArtefactRequest{
		Name: s.artefacts["mobile"].GetName(), Purpose: wertfachv1.RevealPurpose_REVEAL_PURPOSE_CUSTOMER_REQUEST,
	})
	ok(t, err)
	want = sim()
	want.Label = "mobile of 2024"
	want.GetSimCard().Puk, want.GetSimCard().Puk2, want.GetSimCard().NetworkOperator = "12349876", "", "Otherfone"
	same(t, plainArtefact(all), want)

	for label, specimen := range map[string]*wertfachv1.Artefact{"credit card": card(), "Perso": document(), "camera": nil} {
		got, err := s.c.Artefacts.RevealArtefact(t.Context(), &wertfachv1.RevealArtefactRequest{
			Name: s.artefacts[label].GetName(), Purpose: wertfachv1.RevealPurpose_REVEAL_PURPOSE_BLOCK,
		})
		ok(t, err)
		if specimen == nil { // nothing of it is masked
			specimen = plainArtefact(s.artefacts[label])
		}
		same(t, plainArtefact(got), specimen)
	}
	again, err := s.c.Artefacts.GetArtefact(t.Context(), &wertfachv1.GetArtefactRequest{Name: s.artefacts["mobile"].GetName()})
	ok(t, err)
	same(t, again, s.artefacts["mobile"]) // masked as before
}

func (s *story) terminateAndCancel(t *testing.T) {
	today := time.Now().In(berlin(t))
	date := today.AddDate(0, 3, 0).Format(time.DateOnly)
	got, err := s.core.Lifecycle.TerminateContract(t.Context(), &wertfachv1.TerminateContractRequest{
		Name: erikaName, EffectiveDate: date, Reason: "moves abroad",
	})
	ok(t, err)
	same(t, got.GetContract(), &wertfachv1.Contract{
		State: wertfachv1.Contract_STATE_TERMINATING, EffectiveDate: date, Reason: "moves abroad",
	})
	equal(t, s.objects(t, "musterbank/due/"), 1)
	// Until then everything goes on.
	_, err = s.c.Artefacts.RevealArtefact(t.Context(), &wertfachv1.RevealArtefactRequest{
		Name: s.artefacts["mobile"].GetName(), Purpose: wertfachv1.RevealPurpose_REVEAL_PURPOSE_UNLOCK,
	})
	ok(t, err)
	got, err = s.core.Lifecycle.CancelTermination(t.Context(), &wertfachv1.CancelTerminationRequest{Name: erikaName})
	ok(t, err)
	same(t, got.GetContract(), &wertfachv1.Contract{State: wertfachv1.Contract_STATE_ACTIVE})
	equal(t, s.objects(t, "musterbank/due/"), 0)
}

// terminateToday ends the contract at once: the customer can still be read and
// erased, and nothing else.
func (s *story) terminateToday(t *testing.T) {
	today := time.Now().In(berlin(t)).Format(time.DateOnly)
	got, err := s.core.Lifecycle.TerminateContract(t.Context(), &wertfachv1.TerminateContractRequest{Name: erikaName, EffectiveDate: today})
	ok(t, err)
	if state := got.GetContract().GetState(); state != wertfachv1.Contract_STATE_ENDED {
		t.Fatalf("the contract is %v", state)
	}
	s.customer = got
	for what, err := range s.everyChange(t) {
		refused(t, what, err, "CONTRACT_ENDED")
	}
}
