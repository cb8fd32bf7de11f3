package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// refuseCallers has those ask who may not.
func refuseCallers(s *stage, artefacts map[string]string) error {
	for _, try := range []struct {
		role, why string
		args      []string
	}{
		{"agent-lena", "not verified", []string{"artefact", "reveal", artefacts["sim_card"], "--purpose", "unlock"}},
		{"officer-ines", "may not do this", []string{"artefact", "reveal", artefacts["sim_card"], "--purpose", "unlock"}},
		{"portal", "may not do this", []string{"erase", "confirm", customer}},
		{"operator", "may not do this", []string{"customer", "get", customer}},
	} {
		out, err := s.as(try.role, try.args...)
		if err := s.refusal(out, err, try.why); err != nil {
			return err
		}
	}
	return nil
}

// trail reads the events of the session.
func trail(s *stage) error {
	out, err := s.as("officer-ines", "audit", "list", "--parent", "institutes/musterbank", "--from", "1h", "-o", "table")
	if err != nil {
		return err
	}
	for _, want := range []string{"RevealArtefact", "sim_card.puk", "UNLOCK", "EraseCustomer", "PERMISSION_DENIED", "agent-lena"} {
		if !bytes.Contains(out, []byte(want)) {
			return fmt.Errorf("%s is not on record", want)
		}
	}
	for i, secret := range []string{puk, pan, digits, "4711", "Mustermann"} {
		if bytes.Contains(out, []byte(secret)) {
			return fmt.Errorf("secret %d is on record", i+1)
		}
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	s.say("%s", strings.Join(lines, "\n      "))
	return nil
}

// verifyLog downloads the log of the stopped server and checks it, as it is and
// with a letter changed.
func verifyLog(s *stage) error {
	if err := s.write("wertfach.yaml", []byte(fmt.Sprintf(`listen: 127.0.0.1:0
tls: {cert_file: none, key_file: none, client_ca_file: none}
institutes: [{id: musterbank}, {id: kartenbank}]
callers: [{uri: spiffe://dev.wertfach.example/operator/*, roles: [operator], institutes: ["*"]}]
keyring: {dir: %[1]s/keys}
embedded: {file: %[1]s/store.db}
audit: {spool_file: %[1]s/spool.db, file: %[1]s/audit.db}
`, s.data()))); err != nil {
		return err
	}
	if _, err := s.alone("audit", "fetch", "--config", "wertfach.yaml", "--out", "log"); err != nil {
		return err
	}
	check := []string{"audit", "verify", "log", "--key", filepath.Join("data", "attest.pem"), "-o", "table"}
	out, err := s.alone(check...)
	if err != nil {
		return err
	}
	s.say("%s", strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", "\n      "))
	if err := s.changeLetter("log"); err != nil {
		return err
	}
	out, err = s.alone(check...)
	return s.refusal(out, err, "broken")
}

// changeLetter changes the record of the reveal: somebody else shall have done
// it.
func (s *stage) changeLetter(folder string) error {
	changed := errors.New("the reveal is in no segment")
	err := filepath.WalkDir(s.path(folder), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(content, []byte(`"sim_card.puk"`)) {
			return err
		}
		changed = nil
		if err := os.Chmod(path, 0o600); err != nil {
			return err
		}
		return os.WriteFile(path, bytes.Replace(content, []byte(`/portal/`), []byte(`/partal/`), 1), 0o600)
	})
	return errors.Join(err, changed)
}
