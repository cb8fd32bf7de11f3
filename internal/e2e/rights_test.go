package e2e_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/export"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/devissuer"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// officer opens the Go client as a privacy officer.
func (d *deployment) officer(t testing.TB) *client.Client {
	t.Helper()
	pair, err := d.authority.Client("privacy-officer", "e2e")
	ok(t, err)
	token := filepath.Join(t.TempDir(), "token")
	ok(t, os.WriteFile(token, []byte(d.edge.Token(t, devissuer.Officers)), 0o600))
	c, err := client.Open(client.Config{
		Address: d.address, CertFile: pair.CertFile, KeyFile: pair.KeyFile, CAFile: d.authority.CAFile(), TokenFile: token,
	})
	ok(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// archived opens an archive: what it says, and its files.
func archived(t testing.TB, archive []byte) (export.Record, map[string][]byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	ok(t, err)
	files := map[string][]byte{}
	for _, f := range z.File {
		content, err := f.Open()
		ok(t, err)
		files[f.Name], err = io.ReadAll(content)
		ok(t, err)
	}
	var r export.Record
	ok(t, json.Unmarshal(files["customer.json"], &r))
	return r, files
}

// TestRights is what a customer learns of the own data, over the network: what is
// held, who got it, and who looked.
func TestRights(t *testing.T) {
	onBoth(t, func(t *testing.T, b *backends) {
		d := deploy(t, b, custody.Limits{})
		portal, core, officer := d.client(t, "portal"), d.client(t, "core-banking"), d.officer(t)
		ctx, begun := t.Context(), timestamppb.New(time.Now().Add(-time.Minute))
		_, err := core.Customers.EnrolCustomer(ctx, &wertfachv1.EnrolCustomerRequest{Parent: bank, CustomerId: "4711-0815", Customer: erika()})
		ok(t, err)
		var sim, doc *wertfachv1.Artefact
		for _, a := range everyKind() {
			a, err := portal.Artefacts.RegisterArtefact(ctx, &wertfachv1.RegisterArtefactRequest{Parent: erikaName, Artefact: a})
			ok(t, err)
			switch {
			case a.GetSimCard() != nil:
				sim = a
			case a.GetDocument() != nil:
				doc = a
			}
		}
		contents := [][]byte{pdfFile(700_000, "front"), pdfFile(3000, "back")}
		for _, content := range contents {
			_, err := portal.UploadScan(ctx, doc.GetName(), bytes.NewReader(content), int64(len(content)), client.FileName("Ausweis.pdf"))
			ok(t, err)
		}
		_, err = portal.Artefacts.RevealArtefact(ctx, &wertfachv1.RevealArtefactRequest{Name: sim.GetName(), Purpose: wertfachv1.RevealPurpose_REVEAL_PURPOSE_UNLOCK})
		ok(t, err)
		passed, err := officer.Privacy.RecordDisclosure(ctx, &wertfachv1.RecordDisclosureRequest{
			Name: erikaName, Recipient: "Mustertel", Purpose: wertfachv1.Disclosure_PURPOSE_BLOCK, Artefacts: []string{sim.GetName()},
		})
		ok(t, err)
		d.edge.Flush(t)

		// A portal hands everything to the customer, but for secrets.
		req := &wertfachv1.ExportCustomerRequest{Name: erikaName, Purpose: wertfachv1.ExportPurpose_EXPORT_PURPOSE_PORTABILITY}
		var archive bytes.Buffer
		summary, err := portal.Export(ctx, req, &archive)
		ok(t, err)
		r, files := archived(t, archive.Bytes())
		if summary.GetScans() != 2 || r.Purpose != "portability" || len(r.Artefacts) != 5 || r.Secrets != export.Withheld || len(r.Recipients) != 2 || !r.Accesses.Complete {
			t.Errorf("given out: %v, %+v", summary, r)
		}
		for i, s := range r.Artefacts[4].Scans {
			if !bytes.Equal(files[s.File], contents[i]) {
				t.Errorf("%s is not what was uploaded", s.File)
			}
		}
		for name, content := range files {
			for _, secret := range []string{"26354188", "90817263", "4111 1111 1111 1111", "erika.m\"", "Blaue-Donau 7"} {
				if bytes.Contains(content, []byte(secret)) && !strings.HasPrefix(name, "scans/") {
					t.Errorf("%s holds %q", name, secret)
				}
			}
			if name == "customer.json" && !bytes.Contains(content, []byte("DE89 3704 0044 0532 0130 00")) {
				t.Error("the account is masked")
			}
		}
		at := slices.IndexFunc(r.Accesses.Entries, func(a export.Access) bool { return a.Action == "ArtefactService/RevealArtefact" })
		if at < 0 || r.Accesses.Entries[at].Role != "portal" || r.Accesses.Entries[at].Purpose != "UNLOCK" || !slices.Contains(r.Accesses.Entries[at].Fields, "sim_card.puk") {
			t.Errorf("accesses: %+v", r.Accesses.Entries)
		}

		// Secrets are for officers to give.
		req.IncludeSecrets, req.Purpose = true, wertfachv1.ExportPurpose_EXPORT_PURPOSE_ACCESS
		_, err = portal.Export(ctx, req, io.Discard)
		refused(t, "secrets for a portal", err, "ROLE_NOT_ALLOWED")
		d.edge.Flush(t)
		asked := time.Now()
		archive.Reset()
		_, err = officer.Export(ctx, req, &archive)
		ok(t, err)
		if r, files := archived(t, archive.Bytes()); r.Secrets != export.Included || !bytes.Contains(files["customer.json"], []byte("26354188")) {
			t.Errorf("secrets are %s", r.Secrets)
		}
		events := d.edge.Recorded(t, asked)
		if len(events) != 1 || events[0].Purpose != "ACCESS" || events[0].Role != "privacy-officer" || !slices.Contains(events[0].Fields, "payment_card.pan") {
			t.Errorf("on record: %+v", events)
		}

		// Who looked: officers see who that was, portals in which role.
		for who, c := range map[string]*client.Client{"portal": portal, "officer": officer} {
			page := &wertfachv1.ListAccessesRequest{Parent: erikaName, StartTime: begun, PageSize: 3}
			var all []*wertfachv1.DataAccess
			for {
				list, err := c.Privacy.ListAccesses(ctx, page)
				ok(t, err)
				all = append(all, list.GetAccesses()...)
				if page.PageToken = list.GetNextPageToken(); page.PageToken == "" {
					break
				}
			}
			if len(all) < 11 {
				t.Errorf("%s sees %d accesses", who, len(all))
			}
			for _, a := range all {
				if (a.GetPrincipal() != "") != (who == "officer") || a.GetRole() == "" || a.GetScan() != "" && !strings.HasPrefix(a.GetScan(), doc.GetName()+"/scans/") {
					t.Errorf("%s sees %v", who, a)
				}
			}
		}

		// Who got what was wrong is told when it is put right.
		_, err = portal.Artefacts.UpdateArtefact(ctx, &wertfachv1.UpdateArtefactRequest{
			Artefact: &wertfachv1.Artefact{Name: sim.GetName(), Kind: &wertfachv1.Artefact_SimCard{SimCard: &wertfachv1.SimCard{Msisdn: "+49 171 7654321"}}}, UpdateMask: mask("sim_card.msisdn"),
		})
		ok(t, err)
		list, err := portal.Privacy.ListDisclosures(ctx, &wertfachv1.ListDisclosuresRequest{Parent: erikaName})
		ok(t, err)
		last := list.GetDisclosures()[len(list.GetDisclosures())-1]
		if len(list.GetDisclosures()) != 4 || last.GetRecipient() != passed.GetRecipient() || last.GetToldTime() != nil || !slices.Equal(last.GetArtefacts(), []string{sim.GetName()}) {
			t.Errorf("disclosures: %v", list)
		}
		told, err := officer.Privacy.RecordDisclosure(ctx, &wertfachv1.RecordDisclosureRequest{
			Name: erikaName, Recipient: "Mustertel", Purpose: wertfachv1.Disclosure_PURPOSE_RECTIFICATION_NOTICE,
		})
		if err != nil || told.GetId() != last.GetId() || told.GetToldTime() == nil {
			t.Errorf("told: %v, %v", told, err)
		}

		// What is broken is not taken for whole.
		for info, err := range d.store.List(ctx, strings.TrimPrefix(bank, "institutes/")+"/scans/") {
			ok(t, err)
			ok(t, d.store.Delete(ctx, info.Name))
		}
		archive.Reset()
		req.IncludeSecrets = false
		if _, err = portal.Export(ctx, req, &archive); fault.KindOf(err) != fault.Corrupt {
			t.Errorf("without its scans: %v", err)
		}
		if _, err := zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len())); err == nil {
			t.Error("it opens")
		}
	})
}
