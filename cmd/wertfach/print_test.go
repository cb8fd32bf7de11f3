package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

func printed(t *testing.T, form string, answer proto.Message) string {
	t.Helper()
	var out bytes.Buffer
	if err := (&cli{stdout: &out, output: form}).print(answer); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// The form of answers does not vary from build to build.
func TestJSONAnswers(t *testing.T) {
	t.Parallel()
	got := printed(t, "json", &wertfachv1.Customer{
		Name: "n", FamilyName: "O'Neill <&>", Services: []wertfachv1.Service{1, 2}, Contract: &wertfachv1.Contract{State: 1},
	})
	want := `{
  "name": "n",
  "familyName": "O'Neill <&>",
  "services": [
    "SERVICE_BIKE_PROTECTION",
    "SERVICE_SIM_CARD_PROTECTION"
  ],
  "contract": {
    "state": "STATE_ACTIVE"
  }
}
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := printed(t, "json", &wertfachv1.ListArtefactsResponse{}); got != "{}\n" {
		t.Errorf("an empty list is %q", got)
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	at := timestamppb.New(time.Date(2026, 11, 21, 22, 50, 0, 0, time.UTC))
	sim := &wertfachv1.Artefact{
		Name: "institutes/a/customers/b/artefacts/c", Label: "evil\x1b]0;\a\nname\u202e", CreateTime: at,
		Kind:  &wertfachv1.Artefact_SimCard{SimCard: &wertfachv1.SimCard{Iccid: "8949", Pin: "••••", NetworkOperator: "O"}},
		Scans: []*wertfachv1.Scan{{FileName: "f", SizeBytes: 7}},
	}
	list := printed(t, "table", &wertfachv1.ListArtefactsResponse{Artefacts: []*wertfachv1.Artefact{sim, {}}})
	want := `KIND      LABEL            DETAILS  SCANS  REGISTERED            NAME
sim_card  evil�]0;��name�  8949, O  1      2026-11-21 22:50 UTC  institutes/a/customers/b/artefacts/c
          -                -        0      -                     
`
	if list != want {
		t.Errorf("got\n%s\nwant\n%s", list, want)
	}
	if strings.ContainsAny(list, "\x1b\a\u202e") {
		t.Errorf("what a customer typed steers the terminal: %q", list)
	}

	fields := strings.Split(printed(t, "table", sim), "\n")
	for _, want := range []string{"sim_card.pin", "scans[0].file_name", "scans[0].size_bytes", "create_time"} {
		if !slices.ContainsFunc(fields, func(line string) bool { return strings.HasPrefix(line, want+" ") }) {
			t.Errorf("no line of %s in\n%s", want, strings.Join(fields, "\n"))
		}
	}
	receipt := printed(t, "table", &wertfachv1.ErasureReceipt{Destroyed: map[string]int32{"scan": 2}, Envelope: []byte("abc"), DestroyTime: at})
	for _, want := range []string{"destroyed.scan  2", "envelope        3 bytes", "destroy_time    2026-11-21 22:50 UTC"} {
		if !strings.Contains(receipt, want) {
			t.Errorf("no %q in\n%s", want, receipt)
		}
	}
}

func TestPathsOfFields(t *testing.T) {
	t.Parallel()
	got := schemaPaths((*wertfachv1.Artefact)(nil), []string{"simCard.puk", "sim_card.puk2", "paymentCard", "simCard.noneSuch", "a.b", "label.x"})
	want := []string{"sim_card.puk", "sim_card.puk2", "payment_card", "sim_card.noneSuch", "a.b", "label.x"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEnumFlags(t *testing.T) {
	t.Parallel()
	e := &enum{descriptor: wertfachv1.RevealPurpose(0).Descriptor(), prefix: "REVEAL_PURPOSE_"}
	if e.String() != "" {
		t.Errorf("unset, it is %q", e)
	}
	for _, text := range []string{"unlock", "REVEAL_PURPOSE_UNLOCK"} {
		e.number = 0
		if err := e.Set(text); err != nil || e.number != 2 || e.String() != "unlock" {
			t.Errorf("%s: %v, %d", text, err, e.number)
		}
	}
	for _, text := range []string{"", "2", "Unlock", "unspecified", "REVEAL_PURPOSE_UNSPECIFIED", "UNLOCK"} {
		if err := e.Set(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
