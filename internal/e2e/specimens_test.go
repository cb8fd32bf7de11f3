package e2e_test

import (
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// everyService is all that can be booked.
var everyService = []wertfachv1.Service{
	wertfachv1.Service_SERVICE_BIKE_PROTECTION,
	wertfachv1.Service_SERVICE_SIM_CARD_PROTECTION,
	wertfachv1.Service_SERVICE_PAYMENT_CARD_PROTECTION,
	wertfachv1.Service_SERVICE_DEVICE_INSURANCE,
	wertfachv1.Service_SERVICE_DOCUMENT_PROTECTION,
}

// erika is a customer with every field and every service.
func erika() *wertfachv1.Customer {
	return &wertfachv1.Customer{
		GivenName: "Erika Maria", FamilyName: "Mustermann-O'Neill", DateOfBirth: "1984-05-17",
		Address: &wertfachv1.Address{
			Street: "Heidestraße 17", Supplement: "c/o Gabler, Hinterhaus", PostalCode: "51147", Locality: "Köln", Country: "DE",
		},
		Iban: "DE89 3704 0044 0532 0130 00", Bic: "COBADEFFXXX", Email: "erika@mustermann.example",
		PhonePassword: "Blaue-Donau 7", OnlineBankingLogin: "erika.m",
		Services: everyService,
	}
}

func purchase() *wertfachv1.Purchase {
	return &wertfachv1.Purchase{Date: "2024-02-29", Amount: "1299.50", Currency: "EUR"}
}

func bike() *wertfachv1.Artefact {
	return &wertfachv1.Artefact{Label: "daughter's bike", Kind: &wertfachv1.Artefact_Bike{Bike: &wertfachv1.Bike{
		FrameNumber: "WSB 04711-X", Manufacturer: "Diamant", Model: "Topas", Type: "city bike", Colour: "blue",
		StickerNumber: "BS-10203", Purchase: purchase(),
	}}}
}

func sim() *wertfachv1.Artefact {
	return &wertfachv1.Artefact{Label: "mobile", Kind: &wertfachv1.Artefact_SimCard{SimCard: &wertfachv1.SimCard{
		Iccid: "8949 0200 0000 0000 014", Msisdn: "+49 171 2345678", NetworkOperator: "Mustertel",
		Pin: "4711", Pin2: "081547", Puk: "26354188", Puk2: "90817263",
	}}}
}

// card has every field but the card verification code, which most institutes
// may not keep.
func card() *wertfachv1.Artefact {
	return &wertfachv1.Artefact{Label: "credit card", Kind: &wertfachv1.Artefact_PaymentCard{PaymentCard: &wertfachv1.PaymentCard{
		Pan: "4111 1111 1111 1111", Holder: "ERIKA MUSTERMANN", Expiry: "2031-05",
		Scheme: wertfachv1.PaymentCard_SCHEME_VISA, Issuer: "Musterbank",
	}}}
}

// issuedCard is a card whose issuer keeps the verification code.
func issuedCard() *wertfachv1.Artefact {
	a := card()
	a.GetPaymentCard().CardVerificationCode = "737"
	return a
}

func device() *wertfachv1.Artefact {
	return &wertfachv1.Artefact{Label: "telephone", Kind: &wertfachv1.Artefact_Device{Device: &wertfachv1.Device{
		Type: wertfachv1.Device_TYPE_PHONE, Manufacturer: "Fairphone", Model: "6", SerialNumber: "SN-42-0815",
		Imei: "490154203237518", Purchase: purchase(), InsurancePolicyNumber: "GV 12/3456", InsuredBefore: proto.Bool(true),
	}}}
}

func document() *wertfachv1.Artefact {
	return &wertfachv1.Artefact{Label: "Perso", Kind: &wertfachv1.Artefact_Document{Document: &wertfachv1.Document{
		Type: wertfachv1.Document_TYPE_IDENTITY_CARD, Number: "L01X00T471", Issuer: "Stadt Köln", IssuerCountry: "DE",
		IssueDate: "2021-08-02", ExpiryDate: "2031-08-01",
	}}}
}

// identityCopy is a document that was taken only to identify somebody.
func identityCopy() *wertfachv1.Artefact {
	a := document()
	a.GetDocument().IdentificationOnly, a.GetDocument().PurposeFulfilledDate = true, "2021-08-03"
	return a
}

// everyKind is an artefact of each kind, in the order of the schema.
func everyKind() []*wertfachv1.Artefact {
	return []*wertfachv1.Artefact{bike(), sim(), card(), device(), document()}
}

// A field that the schema gets must get a value here, or no test sees it.
func TestSpecimensHaveEveryField(t *testing.T) {
	t.Parallel()
	list := append(everyKind(), issuedCard(), identityCopy())
	checkFilled(t, erika())
	for _, a := range list {
		// Some fields are only for some cards and documents.
		if card := a.GetPaymentCard(); card != nil && card.GetCardVerificationCode() == "" {
			continue
		}
		if document := a.GetDocument(); document != nil && !document.GetIdentificationOnly() {
			continue
		}
		checkFilled(t, a)
	}
	kinds := map[protoreflect.Name]bool{}
	oneof := list[0].ProtoReflect().Descriptor().Oneofs().ByName("kind")
	for _, a := range list {
		kinds[a.ProtoReflect().WhichOneof(oneof).Name()] = true
	}
	if len(kinds) != oneof.Fields().Len() {
		t.Errorf("specimens of %d kinds, the schema has %d", len(kinds), oneof.Fields().Len())
	}
	if got, want := len(everyService), wertfachv1.Service(0).Descriptor().Values().Len()-1; got != want {
		t.Errorf("%d services of %d", got, want)
	}
}

// checkFilled looks for fields that a caller may set and that are not set.
func checkFilled(t *testing.T, m proto.Message) {
	t.Helper()
	for i := range m.ProtoReflect().Descriptor().Fields().Len() {
		fd := m.ProtoReflect().Descriptor().Fields().Get(i)
		if serverSets(fd) {
			continue
		}
		if oneof := fd.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() && m.ProtoReflect().WhichOneof(oneof) != fd {
			continue
		}
		if !m.ProtoReflect().Has(fd) {
			t.Errorf("a specimen does not have %s", fd.FullName())
			continue
		}
		if fd.Kind() == protoreflect.MessageKind && !fd.IsList() {
			checkFilled(t, m.ProtoReflect().Get(fd).Message().Interface())
		}
	}
}

// serverSets says whether the server sets a field, or it is the etag.
func serverSets(fd protoreflect.FieldDescriptor) bool {
	behaviours, _ := proto.GetExtension(fd.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	for _, b := range behaviours {
		if b == annotations.FieldBehavior_OUTPUT_ONLY || b == annotations.FieldBehavior_IDENTIFIER {
			return true
		}
	}
	return fd.Name() == "etag"
}
