// Package format normalises, checks and masks the kinds of values that
// customers register: IBANs, card numbers, SIM card numbers, names, dates and
// the rest of [Known].
//
// Every kind of value is a [Format] with two pure functions:
//
//   - [Format.Normalise] gives the one spelling that look-ups compare: without
//     the separators, case and alternative notations that people vary.
//   - [Format.Check] says whether a value keeps the format's rules, and if not,
//     which one it broke. It looks at the value as it was typed and normalises
//     it itself, so that nothing hides behind the normalisation.
//
// A [Mask] shows a part of a value that is safe to show. What the customer
// typed is kept for display; [Tidy] takes only stray white space from it.
//
// Two checks need more than the value, and so are functions of their own:
// [CheckPostalCode] needs the country, [CheckDocumentNumber] the kind of document
// and who issued it.
//
// The package holds facts of public standards (ISO 13616, ISO 9362, ISO/IEC
// 7812, ITU-T E.118 and E.164, 3GPP TS 23.003, ICAO Doc 9303, ISO 3166-1, ISO
// 4217, ISO 8601) and no state. It knows no clock: whether a date may lie in the
// future is the caller's rule. It never puts a value into an error.
package format

import "strings"

// Format names a kind of value. The names are stable: they are the first part
// of every rule's name ("iban.checksum").
type Format string

// The formats. Lengths are in characters (Unicode code points) of the
// normalised value.
const (
	// IBAN is an international bank account number (ISO 13616).
	IBAN Format = "iban"
	// BIC is a business identifier code of a bank (ISO 9362), 8 or 11 characters.
	BIC Format = "bic"
	// PAN is a payment card's number (ISO/IEC 7812), 12 to 19 digits with Luhn check.
	PAN Format = "pan"
	// CardExpiry is the month a card is valid through, "2028-05"; "05/28" and
	// "05/2028", as printed on cards, are understood too.
	CardExpiry Format = "card-expiry"
	// CardVerificationCode is the 3 or 4 digits beside a card's number.
	CardVerificationCode Format = "card-verification-code"
	// ICCID is a SIM card's number (ITU-T E.118), 19 or 20 digits with Luhn check.
	ICCID Format = "iccid"
	// IMEI is a mobile device's number (3GPP TS 23.003), as 15 digits with Luhn
	// check or as the 16 digits of an IMEISV.
	IMEI Format = "imei"
	// MSISDN is a telephone number (ITU-T E.164): "+491711234567".
	MSISDN Format = "msisdn"
	// PIN is a SIM card's PIN or PIN2, 4 to 8 digits.
	PIN Format = "pin"
	// PUK is a SIM card's PUK or PUK2, 8 digits.
	PUK Format = "puk"
	// PhonePassword is what a customer says on the telephone to be recognised.
	PhonePassword Format = "phone-password"
	// Date is a day of the calendar, 1800 to 2200 (ISO 8601): "2024-02-29".
	Date Format = "date"
	// PostalCode is a postal code of any country; see [CheckPostalCode].
	PostalCode Format = "postal-code"
	// Country is a country's two letters (ISO 3166-1).
	Country Format = "country"
	// Name is a name of a person or of a card's holder, in any script, up to 200.
	Name Format = "name"
	// Text is one line of free text, up to 1000.
	Text Format = "text"
	// Email is an e-mail address that can be written without quotes (RFC 5322).
	Email Format = "email"
	// Serial is a manufacturer's serial number.
	Serial Format = "serial"
	// FrameNumber is the number stamped on a bike's frame.
	FrameNumber Format = "frame-number"
	// Sticker is the number of a security sticker.
	Sticker Format = "sticker"
	// DocumentNumber is the number of a document of any kind; see [CheckDocumentNumber].
	DocumentNumber Format = "document-number"
	// Amount is a sum of money, not negative, at most two fraction digits: "1299.00".
	Amount Format = "amount"
	// Currency is a currency's three letters (ISO 4217).
	Currency Format = "currency"
	// Filename is a file's name without its folder.
	Filename Format = "filename"
	// Login is the name with which a customer signs in to online banking.
	Login Format = "login"
	// Reason is why something was ended or erased, up to 200. It is kept for
	// ever and so must not name anyone.
	Reason Format = "reason"
)

// Known lists every format, in the order of their declaration.
func Known() []Format {
	return []Format{
		IBAN, BIC, PAN, CardExpiry, CardVerificationCode, ICCID, IMEI, MSISDN, PIN, PUK,
		PhonePassword, Date, PostalCode, Country, Name, Text, Email, Serial, FrameNumber,
		Sticker, DocumentNumber, Amount, Currency, Filename, Login, Reason,
	}
}

// Normalise is the spelling of s that look-ups and checks compare. It is total
// and idempotent: what is no value of this format at all comes back cleaned of
// separators, for Check to refuse (what is not UTF-8 becomes U+FFFD in it).
func (f Format) Normalise(s string) string {
	r, known := f.rules()
	if !known {
		return Tidy(s)
	}
	return r.normalise(strings.TrimSpace(valid(s)))
}

// Check is nil where s, typed or normalised, is a value of this format, and
// otherwise the first rule that it broke. An empty value always breaks one:
// whether a field may be left out is the caller's to know. An unknown format
// accepts nothing.
func (f Format) Check(s string) *Problem {
	r, known := f.rules()
	if !known {
		return problem("format.unknown", "no rules are known for this format")
	}
	s = strings.TrimSpace(s)
	if p := checkCharacters(s); p != nil {
		return p
	}
	return r.check(r.normalise(s))
}
