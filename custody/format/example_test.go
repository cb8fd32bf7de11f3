package format_test

import (
	"fmt"

	"github.com/wertfach/wertfach/custody/format"
)

func ExampleFormat_Check() {
	typed := "de89 3704 0044 0532 0130 00"
	fmt.Println(format.IBAN.Check(typed) == nil, format.IBAN.Normalise(typed))

	p := format.IBAN.Check("DE89 3704 0044 0532 0130 01")
	fmt.Println(p.Rule+":", p.Description)
	// Output:
	// true DE89370400440532013000
	// iban.checksum: the check digits do not match the rest of the IBAN
}

func ExampleMask_Apply() {
	fmt.Println(format.MaskFirstSixLastFour.Apply(format.PAN, "4111 1111 1111 1111"))
	fmt.Println(format.MaskLastFour.Apply(format.IBAN, "DE89 3704 0044 0532 0130 00"))
	fmt.Println(format.MaskNone.Apply(format.PIN, "1234"))
	// Output:
	// 411111••••••1111
	// ••••3000
	// ••••
}

// A German identity card is found by the nine characters printed on its front and
// by the ten of its machine-readable zone.
func ExampleNormaliseDocumentNumber() {
	fmt.Println(format.NormaliseDocumentNumber(format.IdentityCard, "DE", "L01X00T47"))
	fmt.Println(format.NormaliseDocumentNumber(format.IdentityCard, "DE", "L01X 00T4 71"))
	// Output:
	// L01X00T47
	// L01X00T47
}
