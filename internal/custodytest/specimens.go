package custodytest

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/format"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// Specimens makes values that are valid and, where they identify something,
// random. The same seed makes the same ones. It is not for concurrent use.
type Specimens struct{ random *rand.Rand }

// NewSpecimens gives specimens of that seed.
func NewSpecimens(seed uint64) *Specimens {
	return &Specimens{rand.New(rand.NewPCG(seed, 0))}
}

// Services are all services by name.
func Services() []string {
	var names []string
	for _, kind := range field.Artefact.Kinds() {
		names = append(names, kind.Service)
	}
	return names
}

// Kinds are all kinds of artefact by name.
func Kinds() []string {
	var names []string
	for _, kind := range field.Artefact.Kinds() {
		names = append(names, kind.Name)
	}
	return names
}

// Customer gives a value for each field of a customer.
func (s *Specimens) Customer() field.Values {
	return s.values(field.Customer, &wertfachv1.Customer{}, func(string) bool { return true })
}

// PlainCustomer is Customer without the telephone password, whose hashing takes
// its time and memory.
func (s *Specimens) PlainCustomer() field.Values {
	values := s.Customer()
	delete(values, "phone_password")
	return values
}

// Artefact gives a value for each field of an artefact of the kind, but for
// those that only a card's issuer may keep.
func (s *Specimens) Artefact(kind string) field.Values {
	return s.values(field.Artefact, &wertfachv1.Artefact{}, func(path string) bool {
		first, _, _ := strings.Cut(path, ".")
		return first == kind || field.Artefact.ServiceOf(first) == ""
	})
}

func (s *Specimens) values(t *field.Table, m proto.Message, wanted func(path string) bool) field.Values {
	values := field.Values{}
	for _, spec := range t.Specs() {
		switch {
		case !wanted(spec.Path) || spec.IssuerOnly || strings.HasPrefix(spec.Path, "document.identification") || spec.Path == "document.purpose_fulfilled_date":
		case spec.Format != "":
			values[spec.Path] = s.Value(spec.Format)
		default:
			values[spec.Path] = s.choice(descriptor(m, spec.Path))
		}
	}
	return values
}

// descriptor finds the field at path.
func descriptor(m proto.Message, path string) protoreflect.FieldDescriptor {
	md := m.ProtoReflect().Descriptor()
	names := strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		md = md.Fields().ByName(protoreflect.Name(name)).Message()
	}
	return md.Fields().ByName(protoreflect.Name(names[len(names)-1]))
}

// choice is one of an enum's values, but for the one that says nothing, or a
// truth value.
func (s *Specimens) choice(fd protoreflect.FieldDescriptor) string {
	if fd.Kind() != protoreflect.EnumKind {
		return fmt.Sprint(s.random.IntN(2) == 1)
	}
	values := fd.Enum().Values()
	return string(values.Get(1 + s.random.IntN(values.Len()-1)).Name())
}

// Value gives a valid value of the format. Countries are always Germany, so that
// what depends on the country fits.
func (s *Specimens) Value(f format.Format) string {
	switch f {
	case format.IBAN:
		return s.iban()
	case format.BIC:
		return "COBADEFFXXX"
	case format.PAN:
		return luhn("4" + s.digits(14))
	case format.CardExpiry:
		return fmt.Sprintf("20%d-%02d", 27+s.random.IntN(70), 1+s.random.IntN(12))
	case format.CardVerificationCode:
		return s.digits(3)
	case format.ICCID:
		return luhn("8949" + s.digits(14))
	case format.IMEI:
		return luhn("35" + s.digits(12))
	case format.MSISDN:
		return "+49171" + s.digits(7)
	case format.PIN:
		return s.digits(6)
	case format.PUK:
		return s.digits(8)
	case format.PhonePassword:
		return "Blaue Donau " + s.digits(4)
	case format.Date:
		return fmt.Sprintf("%d-%02d-%02d", 1940+s.random.IntN(80), 1+s.random.IntN(12), 1+s.random.IntN(28))
	case format.PostalCode:
		return "1" + s.digits(4)
	case format.Country:
		return "DE"
	case format.Name:
		return "Jördis O’Neill-" + s.letters(6)
	case format.Email:
		return strings.ToLower(s.letters(8)) + "@example.org"
	case format.DocumentNumber:
		return "L" + s.from("CFGHJKLMNPRTVWXYZ0123456789", 8)
	case format.Amount:
		return fmt.Sprintf("%d.%s", 1+s.random.IntN(5000), s.digits(2))
	case format.Currency:
		return "EUR"
	case format.Filename:
		return "scan " + s.digits(4) + ".pdf"
	case format.Reason:
		return "the customer asked for it"
	default: // text, login, and the numbers that makers stamp as they like
		return s.letters(4) + s.digits(6)
	}
}

// PDF gives something of that size that begins as a PDF does and can't be
// compressed. It has at least 16 bytes.
func (s *Specimens) PDF(size int) []byte {
	content := make([]byte, max(size, 16))
	for i := range content {
		content[i] = byte(s.random.Uint32())
	}
	copy(content, "%PDF-1.7\n%")
	return content
}

// iban is a German one: the check digits make the whole 1 modulo 97 (ISO 7064).
func (s *Specimens) iban() string {
	account := "3704" + s.digits(14)
	rest := 0
	for _, digit := range account + "131400" { // D and E as 13 and 14
		rest = (10*rest + int(digit-'0')) % 97
	}
	return fmt.Sprintf("DE%02d%s", 98-rest, account)
}

// luhn appends the check digit (ISO/IEC 7812-1 annex B).
func luhn(digits string) string {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return fmt.Sprintf("%s%d", digits, (10-sum%10)%10)
}

func (s *Specimens) digits(n int) string { return s.from("0123456789", n) }

func (s *Specimens) letters(n int) string { return s.from("ABCDEFGHKLMNPRSTUVWXYZ", n) }

func (s *Specimens) from(alphabet string, n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[s.random.IntN(len(alphabet))]
	}
	return string(out)
}
