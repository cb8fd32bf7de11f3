package e2e_test

import (
	"context"
	"strings"

	"google.golang.org/grpc/codes"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// updating is a call of UpdateArtefact upon erika's SIM card.
func updating(change func(*scene, *wertfachv1.UpdateArtefactRequest), paths ...string) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		req := &wertfachv1.UpdateArtefactRequest{Artefact: sim(), UpdateMask: mask(paths...)}
		req.Artefact.Name = s.sim.GetName()
		change(s, req)
		_, err := s.artefacts.UpdateArtefact(ctx, req)
		return err
	}
}

// updatingErika is a call of UpdateCustomer.
func updatingErika(change func(*scene, *wertfachv1.UpdateCustomerRequest), paths ...string) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		req := &wertfachv1.UpdateCustomerRequest{Customer: erika(), UpdateMask: mask(paths...)}
		req.Customer.Name = s.erika.GetName()
		change(s, req)
		_, err := s.customers.UpdateCustomer(ctx, req)
		return err
	}
}

func asItIs(*scene, *wertfachv1.UpdateArtefactRequest) {}

func erikaAsSheIs(*scene, *wertfachv1.UpdateCustomerRequest) {}

func badUpdates() []refusal {
	rows := []refusal{
		invalid("update nobody at all", updatingErika(func(_ *scene, r *wertfachv1.UpdateCustomerRequest) { r.Customer = nil }, "email"), "customer required"),
		{"update nobody", updatingErika(func(_ *scene, r *wertfachv1.UpdateCustomerRequest) { r.Customer.Name = nobody }, "email"),
			codes.NotFound, "CUSTOMER_NOT_FOUND", nil},
		{"update the customer of an ended contract", updatingErika(func(s *scene, r *wertfachv1.UpdateCustomerRequest) {
			r.Customer.Name = s.ended.GetName()
		}, "email"), codes.FailedPrecondition, "CONTRACT_ENDED", nil},
		{"update a customer with a stale etag", updatingErika(func(_ *scene, r *wertfachv1.UpdateCustomerRequest) {
			r.Customer.Etag = "stale-4711"
		}, "email"), codes.Aborted, "STALE_ETAG", nil},
		invalid("update a customer with a long etag", updatingErika(func(_ *scene, r *wertfachv1.UpdateCustomerRequest) {
			r.Customer.Etag = strings.Repeat("etag", 17)
		}, "email"), "customer.etag string.max_len"),
		invalid("write masked values back", updatingErika(func(s *scene, r *wertfachv1.UpdateCustomerRequest) {
			r.Customer = s.erika // as it was read; the mask is empty
		}), "customer.iban masked", "customer.phone_password masked", "customer.online_banking_login masked"),
		{"update a customer beyond the dossier's limit", updatingErika(func(_ *scene, r *wertfachv1.UpdateCustomerRequest) {
			text := strings.Repeat("𝄞", 1000)
			r.Customer.Address.Street, r.Customer.Address.Supplement, r.Customer.Address.Locality = text, text, text
		}, "address"), codes.ResourceExhausted, "TOO_LARGE", nil},

		invalid("update no artefact", updating(func(_ *scene, r *wertfachv1.UpdateArtefactRequest) { r.Artefact = nil }, "label"), "artefact required"),
		{"update an artefact that is not there", updating(func(s *scene, r *wertfachv1.UpdateArtefactRequest) {
			r.Artefact.Name = s.erika.GetName() + "/artefacts/" + absent
		}, "label"), codes.NotFound, "ARTEFACT_NOT_FOUND", nil},
		{"update an artefact of nobody", updating(func(_ *scene, r *wertfachv1.UpdateArtefactRequest) {
			r.Artefact.Name = nobody + "/artefacts/" + absent
		}, "label"), codes.NotFound, "CUSTOMER_NOT_FOUND", nil},
		{"update an artefact of an ended contract", updating(func(s *scene, r *wertfachv1.UpdateArtefactRequest) {
			r.Artefact = document()
			r.Artefact.Name = s.old.GetName()
		}, "label"), codes.FailedPrecondition, "CONTRACT_ENDED", nil},
		{"update an artefact with a stale etag", updating(func(_ *scene, r *wertfachv1.UpdateArtefactRequest) {
			r.Artefact.Etag = "stale-4711"
		}, "label"), codes.Aborted, "STALE_ETAG", nil},
		invalid("make a SIM card a bike", updating(func(_ *scene, r *wertfachv1.UpdateArtefactRequest) { r.Artefact.Kind = bike().GetKind() }, "label"),
			"artefact.kind kind.fixed"),
		invalid("clear what is required", updating(func(_ *scene, r *wertfachv1.UpdateArtefactRequest) { r.Artefact.GetSimCard().Iccid = "" }, "sim_card"),
			"artefact.sim_card.iccid required"),
		invalid("write masked secrets back", updating(func(s *scene, r *wertfachv1.UpdateArtefactRequest) { r.Artefact = s.sim }),
			"artefact.sim_card.pin masked", "artefact.sim_card.pin2 masked", "artefact.sim_card.puk masked", "artefact.sim_card.puk2 masked"),
		{"update an artefact beyond the dossier's limit", func(ctx context.Context, s *scene) error {
			a := sprawling()
			a.Name = s.registered(ctx, a)
			_, err := s.artefacts.UpdateArtefact(ctx, &wertfachv1.UpdateArtefactRequest{Artefact: a})
			return err
		}, codes.ResourceExhausted, "TOO_LARGE", nil},

		{"set services with a stale etag", services("stale-4711", everyService...), codes.Aborted, "STALE_ETAG", nil},
		{"withdraw a service without an etag", services("", everyService[1:]...), codes.FailedPrecondition, "ETAG_REQUIRED", nil},
		{"withdraw every service without an etag", services(""), codes.FailedPrecondition, "ETAG_REQUIRED", nil},
		invalid("set a service twice", services("", append(everyService, everyService[0])...), "services repeated.unique"),
		invalid("set an unknown service", services("", 77), "services[0] enum.defined_only"),
		invalid("set no service's number", services("", 0), "services[0] enum.not_in"),
	}
	for _, path := range []string{"no_such_field", "sim_card.no_such_field", "SIM_CARD.puk", "simCard.puk", "*", "", ".", "label.", "sim_card.puk.more"} {
		rows = append(rows,
			invalid("update the unknown field "+path, updating(asItIs, path), "update_mask field-mask.path"),
			invalid("update the customer's unknown field "+path, updatingErika(erikaAsSheIs, path), "update_mask field-mask.path"),
			invalid("reveal the unknown field "+path, revealing(wertfachv1.RevealPurpose_REVEAL_PURPOSE_UNLOCK, path), "fields field-mask.path"))
	}
	for _, path := range []string{"name", "etag", "create_time", "update_time", "scans", "kind", "bike", "bike.model", "document.number"} {
		rows = append(rows,
			invalid("update the SIM card's "+path, updating(asItIs, path), "update_mask field-mask.path"),
			invalid("reveal the SIM card's "+path, revealing(wertfachv1.RevealPurpose_REVEAL_PURPOSE_UNLOCK, path), "fields field-mask.path"))
	}
	for _, path := range []string{"name", "etag", "create_time", "update_time", "services", "contract", "contract.state"} {
		rows = append(rows, invalid("update the customer's "+path, updatingErika(erikaAsSheIs, path), "update_mask field-mask.path"))
	}
	return append(rows,
		invalid("reveal without a purpose", revealing(0), "purpose required"),
		invalid("reveal for an unknown purpose", revealing(99), "purpose enum.defined_only"),
		refusal{"reveal an artefact that is not there", func(ctx context.Context, s *scene) error {
			_, err := s.artefacts.RevealArtefact(ctx, &wertfachv1.RevealArtefactRequest{
				Name: s.erika.GetName() + "/artefacts/" + absent, Purpose: wertfachv1.RevealPurpose_REVEAL_PURPOSE_CLAIM,
			})
			return err
		}, codes.NotFound, "ARTEFACT_NOT_FOUND", nil},
		refusal{"reveal after the contract's end", func(ctx context.Context, s *scene) error {
			_, err := s.artefacts.RevealArtefact(ctx, &wertfachv1.RevealArtefactRequest{
				Name: s.old.GetName(), Purpose: wertfachv1.RevealPurpose_REVEAL_PURPOSE_CLAIM,
			})
			return err
		}, codes.FailedPrecondition, "CONTRACT_ENDED", nil},
	)
}

func services(etag string, list ...wertfachv1.Service) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		_, err := s.customers.SetServices(ctx, &wertfachv1.SetServicesRequest{Name: s.erika.GetName(), Services: list, Etag: etag})
		return err
	}
}

func revealing(purpose wertfachv1.RevealPurpose, paths ...string) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		_, err := s.artefacts.RevealArtefact(ctx, &wertfachv1.RevealArtefactRequest{Name: s.sim.GetName(), Purpose: purpose, Fields: mask(paths...)})
		return err
	}
}
