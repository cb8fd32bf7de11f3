package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/internal/node"
)

func TestAuditList(t *testing.T) {
	t.Parallel()
	s, sim := enrolled(t)
	id := sim[strings.LastIndexByte(sim, '/')+1:]
	list := []string{"audit", "list", "--parent", "institutes/musterbank", "--from", "10m"}
	// What is routine comes into the locked store, from which it is read, within a
	// second. A person may ask 20 times a second.
	var out string
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for began := time.Now(); !strings.Contains(out, "RegisterArtefact"); <-again.C {
		if out = s.must(t, "privacy-officer", "", list...); time.Since(began) > 30*time.Second {
			t.Fatalf("the registration is not on record:\n%s", out)
		}
	}
	var answer struct {
		Events []struct{ Action, Principal, Role, Subject, Artefact, Code string }
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatal(err)
	}
	subject := ""
	for _, e := range answer.Events {
		if e.Action == "ArtefactService/RegisterArtefact" {
			subject = e.Subject
			if e.Artefact != id || e.Role != "portal" || e.Code != "OK" || !strings.HasPrefix(e.Principal, "spiffe://") || subject == "" {
				t.Errorf("%+v", e)
			}
		}
	}
	table := s.must(t, "privacy-officer", "", append(list, "-o", "table", "--customer", customerName)...)
	for _, want := range []string{"TIME", "ArtefactService/RegisterArtefact", "CustomerService/EnrolCustomer", subject + " " + id} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
	if r := s.as("privacy-officer", "", append(list, "--limit", "1")...); r.code != exitOK || !strings.Contains(r.err, "--limit") || strings.Count(r.out, `"action"`) != 1 {
		t.Errorf("exit code %d, %s%s", r.code, r.err, r.out)
	}
	s.refused(t, "portal", "", exitDenied, "[", list...)
	s.refused(t, "privacy-officer", "", exitInvalid, "--to: must not be before --from", append(list, "--to", "2020-01-01")...)
	s.refused(t, "privacy-officer", "", exitInvalid, "--to (now, since it is not given): must be at most 400 days after --from", append(list, "--from", "2020-01-01")...)
	for flag, value := range map[string]string{"--from": "soon", "--to": "-3h", "--limit": "0"} {
		s.refused(t, "privacy-officer", "", exitUsage, flag+": must be", append(list, flag, value)...)
	}
}

// logged writes a log of three chains: two that are closed, and between them one
// of a process that died.
func logged(t *testing.T, h *vaultHouse) {
	t.Helper()
	h.with(t, h.config, func(b *node.Backends, c *custody.Custodian) {
		for run := range 3 {
			log, err := b.Audit(t.Context(), c, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range []string{"a", "b"} {
				if err := log.Record(t.Context(), audit.Event{ID: id, Action: "X/Y", Institute: "musterbank", Code: "OK"}, audit.Locked); err != nil {
					t.Fatal(err)
				}
			}
			ctx := t.Context()
			if run == 1 {
				awaitHeads(t, b, run+1)
				var cancel context.CancelFunc
				ctx, cancel = context.WithCancel(ctx)
				cancel()
			}
			if err := log.Close(ctx); (err == nil) != (run != 1) {
				t.Fatal(err)
			}
			if run == 1 { // its disk is destroyed
				if err := os.Remove(filepath.Join(h.dir, "spool.db")); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// awaitHeads waits until so many chains have a head: it is written after the record
// is durable, and without it nobody can tell where a chain ends.
func awaitHeads(t *testing.T, b *node.Backends, want int) {
	t.Helper()
	for got := 0; got < want; time.Sleep(time.Millisecond) {
		got = 0
		for _, err := range b.Store.List(t.Context(), segment.HeadFolder) {
			if err != nil {
				t.Fatal(err)
			}
			got++
		}
	}
}

// segmentsIn are the segments in a downloaded log.
func segmentsIn(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(filepath.Join(dir, "segments"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	return files
}

func TestAuditFetchAndVerify(t *testing.T) {
	t.Parallel()
	h := newHouse(t, houseOfFiles)
	logged(t, h)
	key, dir := filepath.Join(h.dir, "attest.pem"), filepath.Join(h.dir, "log")
	expect(t, exitOK, nil, "init", "--config", h.config, "--keys-out", key)
	expect(t, exitUsage, []string{"was not finished"}, "audit", "verify", h.dir, "--key", key)
	for range 2 {
		expect(t, exitOK, nil, "audit", "fetch", "--config", h.config, "--out", dir)
	}
	verify := []string{"audit", "verify", dir, "--key", key}
	r := expect(t, exitOK, nil, verify...)
	var report logReport
	if err := json.Unmarshal([]byte(r.out), &report); err != nil || !report.Intact || len(report.Chains) != 3 {
		t.Fatalf("%v\n%s", err, r.out)
	}
	r = expect(t, exitOK, nil, append(verify, "-o", "table")...)
	if strings.Count(r.out, "closed") != 2 || strings.Count(r.out, "open") != 1 {
		t.Errorf("table\n%s", r.out)
	}

	// Later the one that died shows.
	later := append(verify, "--as-of", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	open := report.Chains[slices.IndexFunc(report.Chains, func(c logChain) bool { return !c.Closed })]
	expect(t, exitUnverified, []string{open.Chain, "ended without being closed", "[unclosed]"}, later...)
	expect(t, exitState, []string{"less than 5 minutes ago"}, "audit", "retire", open.Chain, "--config", h.config)
	expect(t, exitNotFound, []string{"no such chain"}, "audit", "retire", "x", "--config", h.config)
	closed := report.Chains[slices.IndexFunc(report.Chains, func(c logChain) bool { return c.Closed })]
	if r := expect(t, exitOK, nil, "audit", "retire", closed.Chain, "--config", h.config); r.out != "was closed already\n" {
		t.Errorf("a chain that is closed: %s", r.out)
	}

	// A byte changed, a segment removed: the first broken segment is named.
	file := segmentsIn(t, dir)[0]
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for what, content := range map[string][]byte{"changed": bytes.Replace(whole, []byte("musterbank"), []byte("mustermann"), 1), "removed": nil} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if content == nil {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
		r := expect(t, exitUnverified, []string{"segment 1 (segments/", "[broken]", "does not verify"}, verify...)
		if !strings.Contains(r.out, `"intact": false`) {
			t.Errorf("%s: %s", what, r.out)
		}
	}
	if err := os.WriteFile(file, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, exitOK, nil, verify...)

	// Another deployment's key verifies nothing; what is no key is told.
	other := newHouse(t, houseOfFiles)
	otherKey := filepath.Join(other.dir, "attest.pem")
	expect(t, exitOK, nil, "init", "--config", other.config, "--keys-out", otherKey)
	r = expect(t, exitUnverified, []string{"none of the keys in " + otherKey + " signed this log; is it the right key?"}, "audit", "verify", dir, "--key", otherKey)
	if strings.Count(r.err, "\n") != 1 || !strings.Contains(r.out, `"intact": false`) {
		t.Errorf("another key:\n%s%s", r.err, r.out)
	}
	expect(t, exitInvalid, []string{"[KEY_FILE]"}, "audit", "verify", dir, "--key", file)
	expect(t, exitUsage, nil, "audit", "verify", filepath.Join(h.dir, "nowhere"), "--key", key)
	expect(t, exitUsage, []string{"--from"}, "audit", "fetch", "--config", h.config, "--out", dir, "--from", "3h")
}
