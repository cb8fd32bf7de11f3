package trial

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/wertfach/wertfach/bench/internal/load"
	"github.com/wertfach/wertfach/client"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// people enrols customers of one institute, each under a number of its own.
type people struct {
	client    *client.Client
	institute string
	password  string // the telephone password of each; none where empty
	numbers   atomic.Int64
}

// people enrols customers of that institute by the server under test.
func (s *Setting) people(institute string) *people {
	return &people{client: s.Product.Client, institute: institute}
}

// one enrols a customer and gives its name.
func (p *people) one(ctx context.Context) (string, error) {
	c, err := p.client.Customers.EnrolCustomer(ctx, &wertfachv1.EnrolCustomerRequest{
		Parent:     "institutes/" + p.institute,
		CustomerId: fmt.Sprintf("%08d", p.numbers.Add(1)),
		Customer: &wertfachv1.Customer{
			GivenName: "Erika", FamilyName: "Mustermann", DateOfBirth: "1984-05-17",
			Address:       &wertfachv1.Address{Street: "Heidestr. 17", PostalCode: "51147", Locality: "Köln"},
			Iban:          "DE89370400440532013000",
			Email:         "erika@mustermann.example",
			PhonePassword: p.password,
			Services: []wertfachv1.Service{
				wertfachv1.Service_SERVICE_BIKE_PROTECTION, wertfachv1.Service_SERVICE_SIM_CARD_PROTECTION,
				wertfachv1.Service_SERVICE_PAYMENT_CARD_PROTECTION, wertfachv1.Service_SERVICE_DEVICE_INSURANCE,
				wertfachv1.Service_SERVICE_DOCUMENT_PROTECTION,
			},
		},
	})
	return c.GetName(), err
}

// some enrols n customers, gives each what furnish makes, where there is such a
// thing, and returns their names.
func (p *people) some(ctx context.Context, n int, furnish func(ctx context.Context, i int, customer string) error) ([]string, error) {
	names := make([]string, n)
	_, err := load.Each(ctx, workers, n, func(ctx context.Context, i int) (err error) {
		if names[i], err = p.one(ctx); err == nil && furnish != nil {
			err = furnish(ctx, i, names[i])
		}
		return err
	})
	return names, err
}

// The artefacts that are registered. n makes the numbers in them differ, where
// it matters.

// plainBike is an artefact without a secret and without a number to be found by.
func plainBike(int) *wertfachv1.Artefact {
	return &wertfachv1.Artefact{Label: "my red one", Kind: &wertfachv1.Artefact_Bike{Bike: &wertfachv1.Bike{
		Manufacturer: "Beispielrad", Model: "Allweg 7", Type: "city bike", Colour: "red",
		Purchase: &wertfachv1.Purchase{Date: "2025-04-01", Amount: "1299.00", Currency: "EUR"},
	}}}
}

// numberedBike is one that is found by its frame number.
func numberedBike(n int) *wertfachv1.Artefact {
	a := plainBike(n)
	a.GetBike().FrameNumber = fmt.Sprintf("WTU %09d K", n)
	return a
}

// card is a payment card, whose number is a secret.
func card(int) *wertfachv1.Artefact {
	return &wertfachv1.Artefact{Kind: &wertfachv1.Artefact_PaymentCard{PaymentCard: &wertfachv1.PaymentCard{
		Pan: "4111111111111111", Holder: "ERIKA MUSTERMANN", Expiry: "2029-12",
		Scheme: wertfachv1.PaymentCard_SCHEME_VISA, Issuer: "Musterbank",
	}}}
}

// document is what scans belong to, without a number to be found by.
func document(int) *wertfachv1.Artefact {
	return &wertfachv1.Artefact{Label: "household insurance", Kind: &wertfachv1.Artefact_Document{Document: &wertfachv1.Document{
		Type: wertfachv1.Document_TYPE_INSURANCE_POLICY, Issuer: "Beispielversicherung", IssueDate: "2021-01-01",
	}}}
}

// household is ten artefacts as a customer may have them: two of each kind, with
// secrets and numbers.
func household(n int) []*wertfachv1.Artefact {
	var all []*wertfachv1.Artefact
	for i := range 2 {
		number := 2*n + i
		all = append(all, numberedBike(number), card(number), document(number),
			&wertfachv1.Artefact{Kind: &wertfachv1.Artefact_SimCard{SimCard: &wertfachv1.SimCard{
				Iccid: "8949020000000000014", Msisdn: "+491711234567", NetworkOperator: "Beispielfunk",
				Pin: "4826", Puk: "73194628",
			}}},
			&wertfachv1.Artefact{Kind: &wertfachv1.Artefact_Device{Device: &wertfachv1.Device{
				Type: wertfachv1.Device_TYPE_PHONE, Manufacturer: "Beispielphon", Model: "X", Imei: "490154203237518",
				Purchase: &wertfachv1.Purchase{Date: "2026-02-11", Amount: "799"}, InsurancePolicyNumber: "GV-1",
			}}})
	}
	return all
}
