package main

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheWholeJob walks every verb against a real server.
func TestTheWholeJob(t *testing.T) {
	t.Parallel()
	s, sim := enrolled(t)

	got := decoded(t, s.must(t, "portal", "", "customer", "get", customerName))
	if got["iban"] != "••••3000" || got["phonePassword"] != "••••" || got["email"] != "anna@example.com" {
		t.Errorf("customer %v", got)
	}
	changed := decoded(t, s.must(t, "portal", `{"email": "", "address": {"street": "Hafenstraße 1"}}`, "customer", "update", customerName, "-f", "-"))
	address := changed["address"].(map[string]any)
	if changed["email"] != nil || address["street"] != "Hafenstraße 1" || address["postalCode"] != "10115" || changed["givenName"] != "Anna" {
		t.Errorf("changed to %v", changed)
	}

	batch := s.must(t, "portal", batchJSON, "artefact", "register", "--customer", customerName, "-f", "-")
	if n := len(decoded(t, batch)["artefacts"].([]any)); n != 4 {
		t.Errorf("registered %d artefacts, want 4", n)
	}
	list := s.must(t, "portal", "", "artefact", "list", "--customer", customerName)
	if n := len(decoded(t, list)["artefacts"].([]any)); n != 5 {
		t.Errorf("listed %d artefacts, want 5", n)
	}
	table := s.must(t, "portal", "", "artefact", "list", "--customer", customerName, "-o", "table")
	for _, want := range []string{
		"KIND", "NAME\n", "sim_card", "telephone", "8949 0200 0000 0000 014", "WTF 2026 0815, Musterrad, Stadt 3",
		"411111••••••1111, Anna Muster, SCHEME_VISA", "TYPE_PHONE, Beispiel, true", sim + "\n",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
	for _, out := range []string{batch, list, table} {
		if strings.Contains(out, pan) || strings.Contains(out, "12345678") {
			t.Errorf("a secret shows:\n%s", out)
		}
	}

	updated := decoded(t, s.must(t, "portal", `{"sim_card": {"puk": "87654321", "pin": null}}`, "artefact", "update", sim, "-f", "-"))
	if card := updated["simCard"].(map[string]any); card["puk"] != "••••" || card["pin"] != nil || card["iccid"] == nil || updated["label"] != "telephone" {
		t.Errorf("updated to %v", updated)
	}
	revealed := decoded(t, s.must(t, "portal", "", "artefact", "reveal", sim, "--purpose", "unlock", "--field", "simCard.puk"))
	if revealed["simCard"].(map[string]any)["puk"] != "87654321" {
		t.Errorf("revealed %v", revealed)
	}
	if table := s.must(t, "portal", "", "artefact", "get", sim, "-o", "table"); !strings.Contains(table, "sim_card.puk    ••••") {
		t.Errorf("table\n%s", table)
	}

	left := decoded(t, s.must(t, "portal", "", "service", "withdraw", "--customer", customerName, "--service", "payment-card-protection"))
	if n := len(left["services"].([]any)); n != 4 {
		t.Errorf("%d services are left, want 4", n)
	}
	s.refused(t, "portal", "", exitState, "[SERVICE_NOT_BOOKED]", "service", "withdraw", "--customer", customerName, "--service", "SERVICE_PAYMENT_CARD_PROTECTION")

	s.must(t, "core-banking", "", "contract", "terminate", "--customer", customerName, "--effective", "2199-01-01", "--reason", "moved")
	s.must(t, "core-banking", "", "contract", "cancel", "--customer", customerName)
	s.refused(t, "core-banking", "", exitState, "[CONTRACT_NOT_TERMINATED]", "contract", "cancel", "--customer", customerName)
	if out := s.must(t, "portal", "", "artefact", "delete", sim); out != "" {
		t.Errorf("a deletion prints %q", out)
	}
	ended := decoded(t, s.must(t, "core-banking", "", "contract", "terminate", "--customer", customerName, "--effective", "today"))
	if state := ended["contract"].(map[string]any)["state"]; state != "STATE_ENDED" {
		t.Errorf("terminated today, the contract is in %v", state)
	}
	s.refused(t, "portal", simJSON, exitState, "[CONTRACT_ENDED]", "artefact", "register", "--customer", customerName, "-f", "-")
	enrol := []string{"customer", "enrol", "-f", filepath.Join(s.dir, "customer.json")}
	s.refused(t, "portal", "", exitState, "[FORMER_CONTRACT_KEPT]", enrol...)
	if back := decoded(t, s.must(t, "portal", "", append(enrol, "--returning")...)); back["contract"].(map[string]any)["state"] != "STATE_ACTIVE" {
		t.Errorf("who came back is %v", back["contract"])
	}
	if list := s.must(t, "portal", "", "artefact", "list", "--customer", customerName); strings.Contains(list, "artefacts/") {
		t.Errorf("of the former contract is listed %s", list)
	}
}

func TestScans(t *testing.T) {
	t.Parallel()
	s, sim := enrolled(t)
	content := make([]byte, 300_000)
	rand.NewChaCha8([32]byte{}).Read(content)
	pdf := s.file(t, "policy.pdf", "%PDF-1.7\n"+string(content))
	png := s.file(t, "photo.png", "\x89PNG\r\n\x1a\n"+string(content[:100]))

	out := s.must(t, "portal", "", "scan", "upload", "--artefact", sim, pdf, png)
	first, second, found := strings.Cut(out, "\n}\n")
	if !found {
		t.Fatalf("upload of two files prints\n%s", out)
	}
	one, two := decoded(t, first+"}"), decoded(t, second)
	if one["fileName"] != "policy.pdf" || one["mediaType"] != "application/pdf" || two["fileName"] != "photo.png" || two["mediaType"] != "image/png" {
		t.Errorf("uploaded %v and %v", one, two)
	}
	scan := one["name"].(string)
	back := filepath.Join(s.dir, "back.pdf")
	if described := decoded(t, s.must(t, "portal", "", "scan", "download", scan, "--out", back)); described["sha256"] != one["sha256"] {
		t.Errorf("described as %v", described)
	}
	sent, err := os.ReadFile(pdf)
	if err != nil {
		t.Fatal(err)
	}
	same := func() {
		t.Helper()
		if got, err := os.ReadFile(back); err != nil || !bytes.Equal(got, sent) {
			t.Errorf("came back changed: %v", err)
		}
	}
	same()
	if info, err := os.Stat(back); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if out := s.must(t, "portal", "", "scan", "download", scan, "--out", "-"); out != string(sent) {
		t.Errorf("on standard output: %d bytes, want %d", len(out), len(sent))
	}

	s.refused(t, "portal", "", exitUsage, "--force", "scan", "download", scan, "--out", back)
	s.refused(t, "portal", "", exitUsage, "folder", "scan", "download", scan, "--out", s.dir, "--force")
	s.refused(t, "portal", "", exitUsage, "no such file", "scan", "download", scan, "--out", filepath.Join(s.dir, "none", "x"))
	if err := os.WriteFile(back, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.must(t, "portal", "", "scan", "download", scan, "--out", back, "--force")
	same()

	s.refused(t, "portal", "", exitInvalid, "policy.txt: header.scan.media_type: ", "scan", "upload", "--artefact", sim, s.file(t, "policy.txt", "words"))
	s.refused(t, "portal", "", exitInvalid, "header.scan.size_bytes", "scan", "upload", "--artefact", sim, s.file(t, "empty.pdf", ""))
	s.refused(t, "portal", "", exitUsage, "no such file", "scan", "upload", "--artefact", sim, png, filepath.Join(s.dir, "none.pdf"))
	s.refused(t, "portal", "", exitUsage, "is not a file", "scan", "upload", "--artefact", sim, s.dir)
	if out := s.must(t, "portal", "", "scan", "delete", scan); out != "" {
		t.Errorf("a deletion prints %q", out)
	}
	gone := filepath.Join(s.dir, "gone.pdf")
	s.refused(t, "portal", "", exitNotFound, "[SCAN_NOT_FOUND]", "scan", "download", scan, "--out", gone)
	if n := len(decoded(t, s.must(t, "portal", "", "artefact", "get", sim))["scans"].([]any)); n != 1 {
		t.Errorf("%d scans are left, want 1: what was refused must leave nothing", n)
	}
	if leftovers, err := filepath.Glob(filepath.Join(s.dir, ".*")); err != nil || len(leftovers) > 0 {
		t.Errorf("left behind: %v, %v", leftovers, err)
	}
	if _, err := os.Stat(gone); err == nil {
		t.Error("a download that failed left a file")
	}
}

func TestBarsAreForPeople(t *testing.T) {
	t.Parallel()
	s, sim := enrolled(t)
	pdf := s.file(t, "policy.pdf", "%PDF-1.7\n")
	portal := s.dev.Profile("portal")
	up := command(t.Context(), "", true, "--profile", portal, "scan", "upload", "--artefact", sim, pdf)
	if up.code != exitOK || !strings.Contains(up.err, "policy.pdf 100%") || strings.Contains(up.out, "100%") {
		t.Errorf("a person sees %d\n%s%s", up.code, up.err, up.out)
	}
	down := command(t.Context(), "", true, "--profile", portal, "scan", "download", name(t, up.out), "--out", filepath.Join(s.dir, "back.pdf"))
	if down.code != exitOK || !strings.Contains(down.err, "back.pdf 100%") {
		t.Errorf("a person sees %d\n%s%s", down.code, down.err, down.out)
	}
}

func TestErasureAndItsReceipt(t *testing.T) {
	t.Parallel()
	s, _ := enrolled(t)
	request := func(reason string) []string {
		return []string{"erase", "request", customerName, "--ground", "consent-withdrawn", "--reason", reason}
	}
	s.refused(t, "officer-ines", "", exitInvalid, "reason: ", request("asked by anna@example.com")...)
	s.refused(t, "officer-paul", "", exitState, "[ERASURE_NOT_REQUESTED]", "erase", "confirm", customerName)
	s.must(t, "officer-ines", "", request("wrong one")...)
	s.must(t, "officer-paul", "", "erase", "cancel", customerName)
	if asked := decoded(t, s.must(t, "officer-ines", "", request("account closed")...)); asked["ground"] != "GROUND_CONSENT_WITHDRAWN" {
		t.Errorf("the request is %v", asked)
	}
	s.refused(t, "officer-ines", "", exitState, "[SECOND_OFFICER_NEEDED]", "erase", "confirm", customerName)
	erased := s.must(t, "officer-paul", "", "erase", "confirm", customerName, "--reason", "seen the letter")
	if again := s.must(t, "officer-paul", "", "erase", "confirm", customerName); again != erased {
		t.Errorf("a second erasure gives\n%s, not\n%s", again, erased)
	}
	s.refused(t, "portal", "", exitNotFound, "[CUSTOMER_NOT_FOUND]", "customer", "get", customerName)

	if list := s.must(t, "operator", "", "receipt", "list", "--parent", "institutes/musterbank"); !strings.Contains(list, name(t, erased)) {
		t.Errorf("the receipt is not among\n%s", list)
	}
	file := filepath.Join(s.dir, "receipt.json")
	if got := decoded(t, s.must(t, "core-banking", "", "receipt", "get", name(t, erased), "--out", file)); got["reason"] != "account closed" || got["envelope"] != nil {
		t.Errorf("receipt %v", got)
	}
	// Without a profile: nothing of this needs a server.
	verify := func(args ...string) result {
		return command(context.Background(), "", false, append([]string{"receipt", "verify"}, args...)...)
	}
	good := verify(file, "--key", s.dev.KeysFile())
	if good.code != exitOK || decoded(t, good.out)["receipt"] != name(t, erased) {
		t.Errorf("exit code %d\n%s%s", good.code, good.err, good.out)
	}
	if table := verify(file, "--key", s.dev.KeysFile(), "-o", "table"); table.code != exitOK || !strings.Contains(table.out, "destroyed.dossier") {
		t.Errorf("exit code %d\n%s%s", table.code, table.err, table.out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	forged := s.file(t, "forged.json", strings.Replace(string(text), `"sig": "`, `"sig": "AA`, 1))
	for _, c := range []struct {
		file, key string
		code      int
	}{
		{forged, s.dev.KeysFile(), exitUnverified},
		{s.dev.KeysFile(), s.dev.KeysFile(), exitUnverified},
		{s.file(t, "empty", ""), s.dev.KeysFile(), exitUnverified},
		{file, file, exitInvalid},
		{file, filepath.Join(s.dir, "none"), exitUsage},
		{filepath.Join(s.dir, "none"), s.dev.KeysFile(), exitUsage},
		{s.file(t, "huge", strings.Repeat(" ", maxReceipt+1)), s.dev.KeysFile(), exitExhausted},
	} {
		if r := verify(c.file, "--key", c.key); r.code != c.code || r.out != "" || r.err == "" {
			t.Errorf("%s by %s: exit code %d, want %d\n%s%s", filepath.Base(c.file), filepath.Base(c.key), r.code, c.code, r.err, r.out)
		}
	}
}

// An artefact's label stands outside of what it is, and changes without it.
func TestUpdatingTheLabelAlone(t *testing.T) {
	t.Parallel()
	s, sim := enrolled(t)
	updated := decoded(t, s.must(t, "portal", `{"label": "work telephone"}`, "artefact", "update", sim, "-f", "-"))
	if updated["label"] != "work telephone" || updated["simCard"].(map[string]any)["puk"] != "••••" {
		t.Errorf("updated to %v", updated)
	}
}
