package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// TestWhatGoesWhen walks the verbs that say and govern what goes when, as those
// who may use them.
func TestWhatGoesWhen(t *testing.T) {
	t.Parallel()
	s, sim := enrolled(t)
	pdf := s.file(t, "policy.pdf", "%PDF-1.7\n")
	scan := name(t, s.must(t, "portal", "", "scan", "upload", "--artefact", sim, pdf))
	of := func(verb ...string) []string { return append(verb, "--customer", customerName) }

	explain := of("retention", "explain")
	if got := decoded(t, s.must(t, "core-banking", "", explain...)); got["nextDate"] != nil || len(got["holdings"].([]any)) != 3 {
		t.Errorf("while the contract runs: %v", got)
	}
	ended := decoded(t, s.must(t, "core-banking", "", append(explain, "--terminate", "2199-07-01")...))
	if ended["nextDate"] != "2199-07-01" || ended["eraseDate"] != "2203-01-01" {
		t.Errorf("as if it ended: %v", ended)
	}
	table := s.must(t, "privacy-officer", "", append(explain, "--terminate", "2199-07-01", "-o", "table")...)
	for _, want := range []string{
		"CONTRACT  CLASS      KIND      COUNT  GOES ON     RULE                          BASIS\n",
		"present   artefacts  sim_card  1      2203-01-01  contract-end P3Y end-of-year  §§ 195, 199 BGB", "\n\ncontract",
		"terminating, first day without: 2199-07-01\n", "next something goes  2199-07-01\n", "nothing is left      2203-01-01\n",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
	if got := decoded(t, s.must(t, "core-banking", "", append(explain, "--terminate", "today")...)); got["contract"].(map[string]any)["state"] != "STATE_ENDED" {
		t.Errorf("as if it ended today: %v", got)
	}
	s.refused(t, "core-banking", "", exitInvalid, "--terminate: ", append(explain, "--terminate", "2020-01-01")...)
	s.refused(t, "portal", "", exitDenied, "[ROLE_NOT_ALLOWED]", explain...)

	hold := of("hold", "--kind", "legal-claim", "--reason", "4 O 12/26")
	s.refused(t, "privacy-officer", "", exitInvalid, "--until: ", append(hold, "--until", "2020-01-01")...)
	s.refused(t, "privacy-officer", "", exitInvalid, "--reason: ", of("hold", "--kind", "legal-claim", "--reason", "for Anna")...)
	s.refused(t, "core-banking", "", exitDenied, "[ROLE_NOT_ALLOWED]", hold...)
	held := decoded(t, s.must(t, "privacy-officer", "", hold...))
	id := held["holds"].([]any)[0].(map[string]any)["id"].(string)
	s.refused(t, "portal", "", exitState, "[HELD]", "artefact", "delete", sim)
	s.refused(t, "privacy-officer", "", exitNotFound, "[HOLD_NOT_FOUND]", of("release", "--hold", "none")...)
	s.must(t, "privacy-officer", "", of("release", "--hold", id)...)
	s.refused(t, "privacy-officer", "", exitState, "[HOLD_RELEASED]", of("release", "--hold", id)...)

	if got := decoded(t, s.must(t, "privacy-officer", "", of("restrict", "--ground", "accuracy-contested")...)); got["restrictions"].([]any)[0].(map[string]any)["ground"] != "GROUND_ACCURACY_CONTESTED" {
		t.Errorf("restricted: %v", got)
	}
	s.refused(t, "privacy-officer", "", exitState, "[PROCESSING_RESTRICTED]", of("restrict", "--ground", "GROUND_OBJECTION")...)
	s.refused(t, "portal", "", exitDenied, "[ROLE_NOT_ALLOWED]", "customer", "get", customerName, "--restricted-purpose", "consent")
	out := filepath.Join(s.dir, "back.pdf")
	for _, read := range [][]string{
		{"customer", "get", customerName}, {"artefact", "get", sim}, of("artefact", "list"), {"scan", "download", scan, "--out", out},
	} {
		s.refused(t, "privacy-officer", "", exitState, "[PROCESSING_RESTRICTED]", read...)
		s.must(t, "privacy-officer", "", append(read, "--restricted-purpose", "consent")...)
	}
	told := func(at string) []string { return of("lift", "--customer-told", at) }
	s.refused(t, "privacy-officer", "", exitInvalid, "--customer-told: ", told("2020-01-01")...)
	s.refused(t, "privacy-officer", "", exitInvalid, "--customer-told: ", told("2199-01-01")...)
	s.must(t, "privacy-officer", "", told(time.Now().UTC().Format(time.RFC3339Nano))...)
	s.must(t, "portal", "", "customer", "get", customerName)
}

// TestRetentionTable shows what governs as well as what goes.
func TestRetentionTable(t *testing.T) {
	t.Parallel()
	at := timestamppb.New(time.Date(2026, 11, 21, 22, 50, 0, 0, time.UTC))
	got := printed(t, "table", &wertfachv1.Retention{
		Contract: &wertfachv1.Contract{State: 1},
		Holdings: []*wertfachv1.Holding{
			{Class: "customer", Count: 1, DueDate: "2030-01-01", Anchor: "contract-end", Period: "P3Y", Alignment: "end-of-year", Basis: "law", FormerEffectiveDate: "2026-02-01"},
			{Class: "customer", Count: 1, Anchor: "contract-end", Period: "P0D", Alignment: "exact", Basis: "law"},
		},
		Restrictions: []*wertfachv1.Restriction{
			{Ground: wertfachv1.Restriction_GROUND_OBJECTION, CreateTime: at, LiftTime: at}, {Ground: 99, CreateTime: at},
		},
		Holds: []*wertfachv1.Hold{
			{Id: "a", Kind: wertfachv1.Hold_KIND_TITLED_CLAIM, Reason: "4 O\x1b 12/26", UntilDate: "2056-11-22", CreateTime: at},
			{Id: "b", Kind: wertfachv1.Hold_KIND_LEGAL_CLAIM, Reason: "x", CreateTime: at, ReleaseTime: at},
		},
		Recipients:     []string{"Insurer"},
		ErasureRequest: &wertfachv1.ErasureRequest{Ground: wertfachv1.ErasureRequest_GROUND_CHILD, Reason: "y", RequestedBy: "a#b", LapseTime: at},
	})
	want := `CONTRACT          CLASS     KIND  COUNT  GOES ON     RULE                          BASIS
ended 2026-02-01  customer  -     1      2030-01-01  contract-end P3Y end-of-year  law
present           customer  -     1      -           contract-end P0D exact        law

contract             active
restriction          objection, since 2026-11-21 22:50 UTC, lifted 2026-11-21 22:50 UTC
restriction          99, since 2026-11-21 22:50 UTC
hold a               titled-claim, 4 O� 12/26, first day without: 2056-11-22, since 2026-11-21 22:50 UTC
hold b               legal-claim, x, until it is released, since 2026-11-21 22:50 UTC, released 2026-11-21 22:50 UTC
to be told           Insurer
erasure requested    child, y, by a#b, lapses 2026-11-21 22:50 UTC
next something goes  -
nothing is left      -
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
