package main

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestPrivacy walks what a customer has a right to know.
func TestPrivacy(t *testing.T) {
	t.Parallel()
	s, sim := enrolled(t)
	file := filepath.Join(s.dir, "anna.zip")
	export := []string{"privacy", "export", customerName, "--out", file}
	summary := decoded(t, s.must(t, "portal", "", export...))
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 || summary["sizeBytes"] == "0" || len(summary["sha256"].(string)) != 64 {
		t.Fatalf("%v, %v, %v", summary, info, err)
	}
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil || len(z.File) != 5 {
		t.Errorf("%d files, %v", len(z.File), err)
	}
	s.refused(t, "portal", "", exitUsage, "--force", export...)
	s.refused(t, "portal", "", exitDenied, "[ROLE_NOT_ALLOWED]", append(export, "--force", "--secrets")...)
	s.refused(t, "portal", "", exitUsage, "--purpose: must be one of access, portability", append(export, "--purpose", "fun")...)
	s.refused(t, "portal", "", exitInvalid, "--from: must be at most 400 days ago", append(export, "--force", "--from", "2020-01-01")...)
	s.must(t, "privacy-officer", "", append(export, "--force", "--secrets", "--purpose", "portability", "--from", "24h")...)
	if out := s.must(t, "privacy-officer", "", "privacy", "export", customerName, "--out", "-"); !strings.HasPrefix(out, "PK") {
		t.Errorf("on standard output: %d bytes", len(out))
	}
	gone := filepath.Join(s.dir, "nobody.zip")
	s.refused(t, "portal", "", exitNotFound, "[CUSTOMER_NOT_FOUND]", "privacy", "export", "institutes/musterbank/customers/nobody", "--out", gone)
	if left, err := filepath.Glob(filepath.Join(s.dir, "*nobody*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}

	disclose := []string{"privacy", "disclose", customerName, "--recipient", "Mustertel", "--purpose"}
	made := decoded(t, s.must(t, "privacy-officer", "", append(disclose, "block", "--artefact", sim, "--class", "customer")...))
	if made["recipient"] != "Mustertel" || made["purpose"] != "PURPOSE_BLOCK" {
		t.Errorf("recorded %v", made)
	}
	s.refused(t, "portal", "", exitDenied, "[ROLE_NOT_ALLOWED]", append(disclose, "block", "--class", "customer")...)
	s.refused(t, "privacy-officer", "", exitInvalid, "--class: must say what was passed on", append(disclose, "block")...)
	s.refused(t, "privacy-officer", "", exitInvalid, "--purpose: is recorded by exports alone", append(disclose, "access", "--class", "customer")...)
	s.refused(t, "privacy-officer", "", exitState, "[NOTHING_OWED]", append(disclose, "rectification-notice")...)
	s.must(t, "portal", `{"givenName": "Anne"}`, "customer", "update", customerName, "-f", "-")
	table := s.must(t, "portal", "", "privacy", "disclosures", customerName, "-o", "table")
	for _, want := range []string{"RECIPIENT", "the customer", "PORTABILITY", "BLOCK", "customer " + sim, "RECTIFICATION_NOTICE"} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
	if told := decoded(t, s.must(t, "privacy-officer", "", append(disclose, "rectification-notice")...)); told["toldTime"] == nil {
		t.Errorf("told %v", told)
	}

	accesses := []string{"privacy", "accesses", customerName, "--from", "10m", "-o", "table"}
	var out string
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for began := time.Now(); !strings.Contains(out, "RecordDisclosure"); <-again.C { // shipped within a second
		if out = s.must(t, "privacy-officer", "", accesses...); time.Since(began) > 30*time.Second {
			t.Fatalf("what was recorded is not on record:\n%s", out)
		}
	}
	for _, want := range []string{"WHO", "PrivacyService/ExportCustomer", "spiffe://", " via ", "privacy-officer", sim, "ACCESS"} {
		if !strings.Contains(out, want) {
			t.Errorf("an officer's table lacks %q:\n%s", want, out)
		}
	}
	if out := s.must(t, "portal", "", accesses...); strings.Contains(out, "spiffe://") || !strings.Contains(out, "privacy-officer") {
		t.Errorf("a portal sees\n%s", out)
	}
	if r := s.as("portal", "", append(accesses, "--limit", "1")...); r.code != exitOK || !strings.Contains(r.err, "--limit") {
		t.Errorf("exit code %d, %s%s", r.code, r.err, r.out)
	}
	s.refused(t, "portal", "", exitInvalid, "--to: must not be before", append(accesses, "--to", "2020-01-01")...)
	s.refused(t, "portal", "", exitDenied, "restricted_purpose", append(accesses, "--restricted-purpose", "consent")...)
}
