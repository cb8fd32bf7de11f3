package format

import (
	"testing"

	"pgregory.net/rapid"
)

func TestICCID(t *testing.T) {
	t.Parallel()
	checkExamples(t, ICCID,
		// 19 digits, then 20, all with their check digit.
		same("8944110064851520027", "8949222074451242066", "89490200001054230894", "89014103211118510720", "89148000000745809013"),
		[]example{
			good("89490 20000 10542 30894", "89490200001054230894"),
			good("8949222-0744512-42066", "8949222074451242066"),
			good("8949222074451242066F", "8949222074451242066"), // padded in the card's memory
			good("8949222074451242066f", "8949222074451242066"),
		},
		broken("iccid.luhn", "8949222074451242067", "89490200001054230895", "8991101200003204510", "89014103211118510721"),
		broken("iccid.length", "894922207445124206", "894902000010542308940", "89"),
		broken("iccid.prefix", "7949222074451242066", "4111111111111111111"),
		broken("iccid.digits", "", "8949222074451242066FF", "89492220744512420F6", "894922207445124206O"))
}

func TestIMEI(t *testing.T) {
	t.Parallel()
	checkExamples(t, IMEI,
		same("260531793113837", // 3GPP TS 23.003 annex B.3
			"490154203237518", "352099001761481", "356938035643809"),
		[]example{
			good("35-209900-176148-1", "352099001761481"),
			good("350077/52/323751/3", "350077523237513"),
			good("49 015420 323751 8", "490154203237518"),
			good("35-209900-176148-23", "352099001761481"), // IMEISV
			good("2605317931138300", "260531793113837"),
		},
		broken("imei.luhn", "260531793113838", "490154203237517", "352099001761482"),
		broken("imei.length", "26053179311383", "35209900176148123", "1"),
		broken("imei.digits", "", "35209900176148A", "IMEI352099001761481"))
}

// Two software versions of one device are one device.
func TestIMEISoftwareVersions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringMatching(`[0-9]{14}`).Draw(t, "body")
		version := rapid.StringMatching(`[0-9]{2}`).Draw(t, "version")
		imei := body + string(luhnDigit(body))
		if p := IMEI.Check(imei); p != nil {
			t.Fatalf("%s: %s", imei, p.Rule)
		}
		if got := IMEI.Normalise(body + version); got != imei {
			t.Fatalf("Normalise(%s) = %s, want %s", body+version, got, imei)
		}
	})
}

func TestPINAndPUK(t *testing.T) {
	t.Parallel()
	checkExamples(t, PIN, same("0000", "1234", "12345678"), []example{good("12 34", "1234")},
		broken("pin.length", "123", "123456789"), broken("pin.digits", "", "12a4", "１234"))
	checkExamples(t, PUK, same("12345678", "00000000"), []example{good("1234 5678", "12345678")},
		broken("puk.length", "1234567", "123456789"), broken("puk.digits", "", "1234567O"))
}
