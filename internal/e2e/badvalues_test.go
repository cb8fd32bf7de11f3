package e2e_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wertfach/wertfach/custody/field"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// badValue is a value that a field must not have.
type badValue struct{ path, value, rule string }

// long is a text of more characters than any text may have.
var long = strings.Repeat("a long text ", 84)

var badCustomerValues = []badValue{
	{"given_name", "Erika <b>", "name.characters"},
	{"family_name", "", "required"},
	{"family_name", "1984-51147", "name.letters"},
	{"date_of_birth", "1984-02-30", "date.calendar"},
	{"date_of_birth", "May 17th, 1984", "date.format"},
	{"date_of_birth", "0984-05-17", "date.range"},
	{"date_of_birth", "", "required"},
	{"address.street", "Heide\u202eeßarts 17", "invisible"},
	{"address.supplement", "c/o Gabler\nHinterhaus", "control"},
	{"address.postal_code", "5114", "postal-code.german"},
	{"address.postal_code", "", "required"},
	{"address.locality", long, "text.length"},
	{"address.country", "DD", "country.unknown"},
	{"iban", "DE89 3704 0044 0532 0130 01", "iban.checksum"},
	{"iban", "DE89 3704 0044 0532 0130 0", "iban.length"},
	{"iban", "US89 3704 0044 0532 0130 00", "iban.country"},
	{"iban", "DE89 3704 0044 0532 013O 00", "iban.structure"},
	{"iban", "••••3000", "masked"},
	{"iban", "", "required"},
	{"bic", "COBAZZFFXXX", "bic.country"},
	{"email", "erika@@mustermann", "email.format"},
	{"phone_password", "abc", "phone-password.length"},
	{"phone_password", "••••", "masked"},
	{"online_banking_login", "erika mustermann", "login.characters"},
}

var badArtefactValues = []badValue{
	{"label", long, "text.length"},
	{"bike.frame_number", "WSB?04711", "frame-number.characters"},
	{"bike.manufacturer", "", "required"},
	{"bike.manufacturer", long, "text.length"},
	{"bike.model", "Top\u200bas", "invisible"},
	{"bike.type", "city\x00bike", "control"},
	{"bike.colour", "bl\ufffdue", "encoding"},
	{"bike.sticker_number", "B7", "sticker.length"},
	{"bike.purchase.date", "2023-02-29", "date.calendar"},
	{"bike.purchase.amount", "1,299.50", "amount.format"},
	{"bike.purchase.currency", "DEM", "currency.unknown"},
	{"sim_card.iccid", "8949020000000000015", "iccid.luhn"},
	{"sim_card.iccid", "7949020000000000016", "iccid.prefix"},
	{"sim_card.iccid", "894902000000000001", "iccid.length"},
	{"sim_card.iccid", "", "required"},
	{"sim_card.msisdn", "+210 171 2345678", "msisdn.country"},
	{"sim_card.network_operator", "Muster\u2028tel", "control"},
	{"sim_card.pin", "471", "pin.length"},
	{"sim_card.pin2", "47ll", "pin.digits"},
	{"sim_card.puk", "2635418", "puk.length"},
	{"sim_card.puk", "••••", "masked"},
	{"sim_card.puk2", "9081726E", "puk.digits"},
	{"payment_card.pan", "4111 1111 1111 1112", "pan.luhn"},
	{"payment_card.pan", "411111••••••1111", "masked"},
	{"payment_card.pan", "4111 1111 116", "pan.length"},
	{"payment_card.pan", "", "required"},
	{"payment_card.holder", "ERIKA=MUSTERMANN", "name.characters"},
	{"payment_card.expiry", "2031-13", "card-expiry.format"},
	{"payment_card.issuer", long, "text.length"},
	{"payment_card.card_verification_code", "7371", "issuer-only"},
	{"device.manufacturer", "", "required"},
	{"device.manufacturer", "Fair\tphone", "control"},
	{"device.model", "\ufdd0 six", "encoding"},
	{"device.serial_number", "SN_42?0815", "serial.characters"},
	{"device.imei", "490154203237519", "imei.luhn"},
	{"device.imei", "49015420323751", "imei.length"},
	{"device.purchase.date", "yesterday", "date.format"},
	{"device.purchase.amount", "-1299.50", "amount.format"},
	{"device.purchase.currency", "Euro", "currency.unknown"},
	{"device.insurance_policy_number", "GV\u00ad123456", "invisible"},
	{"document.number", "L01X00T472", "document-number.checksum"},
	{"document.number", "L01X00T47OO", "document-number.alphabet"},
	{"document.number", "••••T471", "masked"},
	{"document.issuer", long, "text.length"},
	{"document.issuer_country", "Germany", "country.unknown"},
	{"document.issue_date", "2021-13-02", "date.calendar"},
	{"document.expiry_date", "08/2031", "date.format"},
	{"document.purpose_fulfilled_date", "yesterday", "date.format"},
}

// Every field whose value is checked has a value above that it refuses.
func TestEveryFormatIsTried(t *testing.T) {
	t.Parallel()
	for table, values := range map[*field.Table][]badValue{field.Customer: badCustomerValues, field.Artefact: badArtefactValues} {
		tried := map[string]bool{}
		for _, v := range values {
			if table.Spec(v.path) == nil {
				t.Errorf("there is no field %s", v.path)
			}
			tried[v.path] = tried[v.path] || v.rule != "required"
		}
		for _, s := range table.Specs() {
			if s.Format != "" && !tried[s.Path] {
				t.Errorf("no bad value is tried for %s", s.Path)
			}
		}
	}
}

// badValues sends each of them by every call that takes it.
func badValues() []refusal {
	var rows []refusal
	for _, v := range badCustomerValues {
		row := v.rule + " of customer." + v.path + " " + v.value
		broken := "customer." + v.path + " " + v.rule
		rows = append(rows,
			invalid("enrol with "+row, func(ctx context.Context, s *scene) error {
				_, err := s.customers.EnrolCustomer(ctx, &wertfachv1.EnrolCustomerRequest{
					Parent: bank, CustomerId: "new", Customer: with(erika(), v.path, v.value),
				})
				return err
			}, broken),
			invalid("update with "+row, func(ctx context.Context, s *scene) error {
				c := with(erika(), v.path, v.value)
				c.Name = s.erika.GetName()
				_, err := s.customers.UpdateCustomer(ctx, &wertfachv1.UpdateCustomerRequest{Customer: c, UpdateMask: mask(v.path)})
				return err
			}, broken))
	}
	for _, v := range badArtefactValues {
		row := v.rule + " of " + v.path + " " + v.value
		rows = append(rows,
			invalid("register with "+row, func(ctx context.Context, s *scene) error {
				_, err := s.artefacts.RegisterArtefact(ctx, &wertfachv1.RegisterArtefactRequest{
					Parent: s.erika.GetName(), Artefact: with(specimenFor(v.path), v.path, v.value),
				})
				return err
			}, "artefact."+v.path+" "+v.rule),
			invalid("register a batch with "+row, func(ctx context.Context, s *scene) error {
				_, err := s.artefacts.BatchRegisterArtefacts(ctx, &wertfachv1.BatchRegisterArtefactsRequest{
					Parent: s.erika.GetName(), Artefacts: []*wertfachv1.Artefact{bike(), with(specimenFor(v.path), v.path, v.value)},
				})
				return err
			}, "artefacts[1]."+v.path+" "+v.rule),
			invalid("update with "+row, func(ctx context.Context, s *scene) error {
				a := with(specimenFor(v.path), v.path, v.value)
				a.Name = s.registered(ctx, a)
				_, err := s.artefacts.UpdateArtefact(ctx, &wertfachv1.UpdateArtefactRequest{Artefact: a, UpdateMask: mask(v.path)})
				return err
			}, "artefact."+v.path+" "+v.rule))
	}
	return rows
}

// with is the message with another value at path.
func with[M proto.Message](m M, path, value string) M {
	at := m.ProtoReflect()
	parts := strings.Split(path, ".")
	for _, part := range parts[:len(parts)-1] {
		at = at.Mutable(at.Descriptor().Fields().ByName(protoreflect.Name(part))).Message()
	}
	fd := at.Descriptor().Fields().ByName(protoreflect.Name(parts[len(parts)-1]))
	at.Set(fd, protoreflect.ValueOfString(value))
	return m
}

// specimenFor is an artefact of the kind that has the path.
func specimenFor(path string) *wertfachv1.Artefact {
	first, _, _ := strings.Cut(path, ".")
	for _, a := range everyKind() {
		if kindOf(a) == first {
			return a
		}
	}
	return bike()
}

// registered is the name of erika's artefact of the same kind.
func (s *scene) registered(ctx context.Context, a *wertfachv1.Artefact) string {
	list, err := s.artefacts.ListArtefacts(ctx, &wertfachv1.ListArtefactsRequest{Parent: s.erika.GetName()})
	if err != nil {
		return ""
	}
	for _, other := range list.GetArtefacts() {
		if kindOf(other) == kindOf(a) {
			return other.GetName()
		}
	}
	return ""
}
