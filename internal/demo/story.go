package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// names of the artefacts and scans that the story made, by kind and file.
var story = func() []step {
	artefacts, scans := map[string]string{}, map[string]string{}
	return []step{
		{"Start the server: one process, keys and objects in one folder", (*stage).startDev},
		{"Enrol a customer: the dossier is sealed under a key of its own", enrol},
		{"Register one artefact of each kind", func(s *stage) error { return register(s, artefacts) }},
		{"A wrong card number is refused, by field and rule, without repeating it", refuse},
		{"Upload a PDF of three pages and a photograph", func(s *stage) error { return upload(s, artefacts, scans) }},
		{"List the customer's artefacts: secrets are masked", list},
		{"Who may not is refused, and hears no more than that", func(s *stage) error { return refuseCallers(s, artefacts) }},
		{"Reveal a PUK, for a purpose", func(s *stage) error { return reveal(s, artefacts) }},
		{"Download the scans: byte for byte what was uploaded", func(s *stage) error { return download(s, scans) }},
		{"Search the data folder for the PUK, the card number and a line of the PDF", search},
		{"Withdraw from one service: its data goes, the rest stays", withdraw},
		{"Keep a copy of the store, as a backup would", backup},
		{"Terminate the contract as of today: nothing is registered or revealed any more", func(s *stage) error { return terminate(s, artefacts) }},
		{"Erase the customer and fetch the signed receipt", erase},
		{"Nothing opens any more", func(s *stage) error { return nothingOpens(s, artefacts, scans) }},
		{"Nothing opens even from the backup: the key is gone", restore},
		{"Read the audit trail of all this, as a privacy officer", trail},
		{"Check the receipt offline, without the server", verify},
		{"Check the audit log offline, and find a single letter that was changed in it", verifyLog},
	}
}()

func enrol(s *stage) error {
	out, err := s.as("portal", "customer", "enrol", "-f", s.example("customer"))
	if err != nil {
		return err
	}
	var c struct{ Name, Iban, PhonePassword string }
	if err := json.Unmarshal(out, &c); err != nil {
		return err
	}
	if c.Name != customer || c.Iban != "••••3000" || c.PhonePassword != "••••" {
		return fmt.Errorf("the customer does not come back masked")
	}
	s.say("enrolled %s, IBAN %s, telephone password %s", c.Name, c.Iban, c.PhonePassword)
	return nil
}

func register(s *stage, artefacts map[string]string) error {
	for _, kind := range kinds {
		out, err := s.as("portal", "artefact", "register", "--customer", customer, "-f", s.example(kind))
		if err != nil {
			return err
		}
		var a struct{ Name string }
		if err := json.Unmarshal(out, &a); err != nil {
			return err
		}
		artefacts[kind] = a.Name
	}
	s.say("registered %d artefacts", len(artefacts))
	return nil
}

func refuse(s *stage) error {
	if err := s.write("wrong.json", []byte(`{"paymentCard": {"pan": "4111111111111112"}}`)); err != nil {
		return err
	}
	out, err := s.as("portal", "artefact", "register", "--customer", customer, "-f", "wrong.json")
	if err := s.refusal(out, err, "payment_card.pan"); err != nil {
		return err
	}
	if err != nil && strings.Contains(err.Error(), "4111111111111112") {
		return fmt.Errorf("the message repeats the card number")
	}
	return nil
}

func upload(s *stage, artefacts, scans map[string]string) error {
	photo, err := makePhoto()
	if err != nil {
		return err
	}
	for _, file := range []struct {
		name, kind string
		content    []byte
	}{{"policy.pdf", "document", makePDF()}, {"bike.jpg", "bike", photo}} {
		if err := s.write(file.name, file.content); err != nil {
			return err
		}
		out, err := s.as("portal", "scan", "upload", "--artefact", artefacts[file.kind], file.name)
		if err != nil {
			return err
		}
		var scan struct{ Name, SHA256, SizeBytes string }
		if err := json.Unmarshal(out, &scan); err != nil {
			return err
		}
		if scan.SHA256 != fmt.Sprintf("%x", sha256.Sum256(file.content)) {
			return fmt.Errorf("the scan's SHA-256 is not the file's")
		}
		scans[file.name] = scan.Name
		s.say("%s, %s bytes, SHA-256 %s…", file.name, scan.SizeBytes, scan.SHA256[:16])
	}
	return nil
}

func list(s *stage) error {
	out, err := s.as("portal", "artefact", "list", "--customer", customer)
	if err != nil {
		return err
	}
	for i, secret := range []string{puk, "4826", pan, digits} {
		if bytes.Contains(out, []byte(secret)) {
			return fmt.Errorf("secret %d stands in the list", i+1)
		}
	}
	if !bytes.Contains(out, []byte("411111••••••1111")) {
		return fmt.Errorf("the card's number is not shown by its first six and last four digits")
	}
	out, err = s.as("portal", "artefact", "list", "--customer", customer, "-o", "table")
	s.say("%s", strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", "\n      "))
	return err
}

func reveal(s *stage, artefacts map[string]string) error {
	out, err := s.as("portal", "artefact", "reveal", artefacts["sim_card"], "--purpose", "unlock", "--field", "sim_card.puk")
	if err != nil {
		return err
	}
	var a struct{ SimCard struct{ Puk, Pin string } }
	if err := json.Unmarshal(out, &a); err != nil {
		return err
	}
	if a.SimCard.Puk != puk || a.SimCard.Pin != "••••" {
		return fmt.Errorf("it did not reveal the PUK, and only the PUK")
	}
	s.say("PUK %s; the PIN, which was not asked for, stays %s", a.SimCard.Puk, a.SimCard.Pin)
	return nil
}

func download(s *stage, scans map[string]string) error {
	for file, name := range scans {
		if _, err := s.as("portal", "scan", "download", name, "--out", "back-"+file); err != nil {
			return err
		}
		sent, err := os.ReadFile(s.path(file))
		if err != nil {
			return err
		}
		back, err := os.ReadFile(s.path("back-" + file))
		if err != nil {
			return err
		}
		if sha256.Sum256(sent) != sha256.Sum256(back) {
			return fmt.Errorf("%s came back changed", file)
		}
		s.say("%s is the same", file)
	}
	return nil
}

func search(s *stage) error {
	if err := s.nowhere(s.data(), puk, pan, digits, pdfLine); err != nil {
		return err
	}
	if s.nowhere(s.dir, pdfLine) == nil {
		return fmt.Errorf("the search finds nothing even where there is something")
	}
	s.say("(the same search finds the line in the file that was uploaded)")
	return nil
}

func withdraw(s *stage) error {
	if _, err := s.as("portal", "service", "withdraw", "--customer", customer, "--service", "payment-card-protection"); err != nil {
		return err
	}
	out, err := s.as("portal", "artefact", "list", "--customer", customer)
	if err != nil {
		return err
	}
	if bytes.Contains(out, []byte("paymentCard")) || !bytes.Contains(out, []byte("simCard")) {
		return fmt.Errorf("not just the payment card is gone")
	}
	s.say("the payment card is gone, the SIM card is there")
	return nil
}

func terminate(s *stage, artefacts map[string]string) error {
	_, err := s.as("core-banking", "contract", "terminate", "--customer", customer, "--effective", "today", "--reason", "account closed")
	if err != nil {
		return err
	}
	out, err := s.as("portal", "artefact", "register", "--customer", customer, "-f", s.example("bike"))
	if err := s.refusal(out, err, "contract has ended"); err != nil {
		return err
	}
	out, err = s.as("portal", "artefact", "reveal", artefacts["sim_card"], "--purpose", "unlock")
	return s.refusal(out, err, "contract has ended")
}

func backup(s *stage) error {
	if err := s.stopDev(); err != nil {
		return err
	}
	content, err := os.ReadFile(filepath.Join(s.data(), "store.db"))
	if err != nil {
		return err
	}
	s.say("%.1f MiB", float64(len(content))/(1<<20))
	if err := s.write("backup.db", content); err != nil {
		return err
	}
	return s.startDev()
}

func erase(s *stage) error {
	request := []string{"erase", "request", customer, "--ground", "purpose-gone", "--reason", "account closed"}
	if _, err := s.as("officer-ines", request...); err != nil {
		return err
	}
	out, err := s.as("officer-ines", "erase", "confirm", customer)
	if err := s.refusal(out, err, "another privacy officer"); err != nil {
		return err
	}
	out, err = s.as("officer-paul", "erase", "confirm", customer)
	if err != nil {
		return err
	}
	var r struct {
		Name, KeyName string
		Destroyed     map[string]int
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return err
	}
	s.say("destroyed: %v", r.Destroyed)
	_, err = s.as("core-banking", "receipt", "get", r.Name, "--out", "receipt.json")
	return err
}

func nothingOpens(s *stage, artefacts, scans map[string]string) error {
	for _, args := range [][]string{
		{"customer", "get", customer},
		{"artefact", "list", "--customer", customer},
		{"artefact", "reveal", artefacts["sim_card"], "--purpose", "unlock"},
		{"scan", "download", scans["policy.pdf"], "--out", "again.pdf"},
	} {
		out, err := s.as("portal", args...)
		if err := s.refusal(out, err, "not enrolled"); err != nil {
			return err
		}
	}
	return nil
}

func restore(s *stage) error {
	if err := s.stopDev(); err != nil {
		return err
	}
	content, err := os.ReadFile(s.path("backup.db"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.data(), "store.db"), content, 0o600); err != nil {
		return err
	}
	if err := s.startDev(); err != nil {
		return err
	}
	out, err := s.as("portal", "customer", "get", customer)
	return s.refusal(out, err, "not enrolled")
}

func verify(s *stage) error {
	if err := s.stopDev(); err != nil {
		return err
	}
	key := filepath.Join("data", "attest.pem")
	out, err := s.alone("receipt", "verify", "receipt.json", "--key", key)
	if err != nil {
		return err
	}
	s.say("%s", strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", "\n      "))
	if err := s.forge("receipt.json", "forged.json"); err != nil {
		return err
	}
	out, err = s.alone("receipt", "verify", "forged.json", "--key", key)
	return s.refusal(out, err, "does not verify")
}

// forge makes a receipt that claims another reason under the same signature.
func (s *stage) forge(from, to string) error {
	file, err := os.ReadFile(s.path(from))
	if err != nil {
		return err
	}
	var envelope map[string]any
	if err := json.Unmarshal(file, &envelope); err != nil {
		return err
	}
	payload, err := base64.StdEncoding.DecodeString(fmt.Sprint(envelope["payload"]))
	if err != nil {
		return err
	}
	envelope["payload"] = bytes.Replace(payload, []byte("account closed"), []byte("nobody's order"), 1)
	forged, err := json.Marshal(envelope)
	if err != nil {
		return err
	}
	return s.write(to, forged)
}
