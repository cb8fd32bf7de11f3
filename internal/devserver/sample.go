package devserver

import (
	"context"
	"fmt"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/identity"
)

// Sample is a customer of a sample institute.
type Sample struct {
	// Customer is the customer's name in the API.
	Customer string
	// Artefacts are the names of what the customer registered.
	Artefacts []string
}

// Samples enrols the sample customers through the API, where they are not there
// yet, and registers artefacts for those that have none. Nobody real is among
// them: their numbers are those that standards and card schemes publish as
// examples.
func (d *Dev) Samples(ctx context.Context) ([]Sample, error) {
	c, err := d.Client(identity.RoleName(wertfachv1.Role_ROLE_PORTAL))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var all []Sample
	for _, s := range samples() {
		made, err := s.make(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("sample customer %s: %w", s.name(), err)
		}
		all = append(all, made)
	}
	return all, nil
}

// sample is what a sample customer is made from.
type sample struct {
	institute, id string
	customer      *wertfachv1.Customer
	artefacts     []*wertfachv1.Artefact
}

func (s sample) name() string { return s.parent() + "/customers/" + s.id }

func (s sample) parent() string { return "institutes/" + s.institute }

// make enrols the customer and registers the artefacts. A customer whose
// contract was ended meanwhile is left alone.
func (s sample) make(ctx context.Context, c *client.Client) (Sample, error) {
	made := Sample{Customer: s.name()}
	customer, err := c.Customers.EnrolCustomer(ctx, &wertfachv1.EnrolCustomerRequest{
		Parent: s.parent(), CustomerId: s.id, Customer: s.customer,
	})
	if fault.KindOf(err) == fault.Exists {
		customer, err = c.Customers.GetCustomer(ctx, &wertfachv1.GetCustomerRequest{Name: s.name()})
	}
	if reason := fault.ReasonOf(err); reason == custody.ReasonContractEnded || reason == custody.ReasonRestricted {
		return made, nil // as somebody left it
	}
	if err != nil || customer.GetContract().GetState() != wertfachv1.Contract_STATE_ACTIVE {
		return made, err
	}
	for a, err := range c.AllArtefacts(ctx, s.name()) {
		if err != nil {
			return made, err
		}
		made.Artefacts = append(made.Artefacts, a.GetName())
	}
	if len(made.Artefacts) > 0 || len(customer.GetServices()) < len(s.customer.GetServices()) {
		return made, nil // as somebody left it
	}
	answer, err := c.Artefacts.BatchRegisterArtefacts(ctx, &wertfachv1.BatchRegisterArtefactsRequest{
		Parent: s.name(), Artefacts: s.artefacts,
	})
	for _, a := range answer.GetArtefacts() {
		made.Artefacts = append(made.Artefacts, a.GetName())
	}
	return made, err
}

func samples() []sample {
	return []sample{{
		institute: "musterbank", id: "anna-muster",
		customer: &wertfachv1.Customer{
			GivenName: "Anna", FamilyName: "Muster", DateOfBirth: "1984-05-17",
			Address: &wertfachv1.Address{Street: "Lindenallee 7", PostalCode: "10115", Locality: "Berlin", Country: "DE"},
			Iban:    "DE89 3704 0044 0532 0130 00", Email: "anna@example.com", PhonePassword: "Blaue Donau",
			Services: []wertfachv1.Service{
				wertfachv1.Service_SERVICE_SIM_CARD_PROTECTION, wertfachv1.Service_SERVICE_BIKE_PROTECTION,
			},
		},
		artefacts: []*wertfachv1.Artefact{{
			Label: "telephone",
			Kind: &wertfachv1.Artefact_SimCard{SimCard: &wertfachv1.SimCard{
				Iccid: "8949020000000000014", Msisdn: "+49 152 28817386", NetworkOperator: "Beispielfunk", Pin: "4711", Puk: "12345678",
			}},
		}, {
			Label: "city bike",
			Kind: &wertfachv1.Artefact_Bike{Bike: &wertfachv1.Bike{
				FrameNumber: "WTF 2026 0815", Manufacturer: "Musterrad", Model: "Stadt 3", Colour: "blue",
				Purchase: &wertfachv1.Purchase{Date: "2025-04-12", Amount: "899.00", Currency: "EUR"},
			}},
		}},
	}, {
		institute: "kartenbank", id: "jonas-beispiel",
		customer: &wertfachv1.Customer{
			GivenName: "Jonas", FamilyName: "Beispiel", DateOfBirth: "1991-11-30",
			Address:  &wertfachv1.Address{Street: "Hafenstraße 12", PostalCode: "20457", Locality: "Hamburg", Country: "DE"},
			Iban:     "DE02 1203 0000 0000 2020 51",
			Services: []wertfachv1.Service{wertfachv1.Service_SERVICE_PAYMENT_CARD_PROTECTION},
		},
		artefacts: []*wertfachv1.Artefact{{
			Label: "credit card",
			Kind: &wertfachv1.Artefact_PaymentCard{PaymentCard: &wertfachv1.PaymentCard{
				Pan: "4111 1111 1111 1111", Holder: "Jonas Beispiel", Expiry: "2030-12", Issuer: "Kartenbank",
				Scheme: wertfachv1.PaymentCard_SCHEME_VISA, CardVerificationCode: "123",
			}},
		}},
	}}
}
