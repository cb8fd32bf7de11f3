package format

import "strings"

// normaliseAmount gives a sum with two fraction digits: "1299,5" and "1299.50"
// are "1299.50", and so is "1 299.50". A comma or point followed by three digits
// could group thousands or begin a fraction, and two of them do one of both in a
// way that differs between countries: such sums stay as they are, to be refused.
func normaliseAmount(s string) string {
	s = without(s, isSpace)
	whole, fraction := s, ""
	if i := strings.IndexAny(s, ".,"); i >= 0 {
		whole, fraction = s[:i], s[i+1:]
		if len(fraction) == 0 || len(fraction) > 2 || !allDigits(fraction) {
			return s
		}
	}
	if !allDigits(whole) {
		return s
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	return whole + "." + (fraction + "00")[:2]
}

// checkAmount leaves it to the caller whether a sum may be nought.
func checkAmount(s string) *Problem {
	whole, fraction, found := strings.Cut(s, ".")
	if !found || !allDigits(whole) || len(fraction) != 2 || !allDigits(fraction) {
		return problem("amount.format", "an amount is a decimal number with at most two fraction digits and no thousands separators")
	}
	if len(whole) > 12 {
		return problem("amount.range", "an amount has at most 12 digits before the decimal point")
	}
	return nil
}

func checkCurrency(s string) *Problem {
	if len(s) != 3 || !inList(currencies, s) {
		return problem("currency.unknown", "a currency is given by its three letters of ISO 4217")
	}
	return nil
}

// currencies are those of ISO 4217 list one of 2026 that one can pay a price in:
// no metals, funds or test codes. BGN and HRK, which the euro replaced in 2026
// and 2023, stay for what was bought before. They are written down here because
// golang.org/x/text/currency lacks MRU, SLE, VED, VES, XCG and ZWG and knows long gone ones.
const currencies = " AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD " +
	"CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ " +
	"GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR " +
	"LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK " +
	"PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT " +
	"TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG "
