package export_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wertfach/wertfach/custody/export"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/internal/custodytest"
)

var (
	noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	sum  = func(content []byte) string { s := sha256.Sum256(content); return hex.EncodeToString(s[:]) }
)

// scan is a scan with that content.
func scan(name, mediaType string, content []byte) export.Scan {
	return export.Scan{
		ID: "s", FileName: name, MediaType: mediaType, Size: int64(len(content)), SHA256: sum(content), Created: noon,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
	}
}

// full is a customer with an artefact of each kind and 20 scans, and something of
// everything else.
func full(t testing.TB) (export.Record, map[string][]byte) {
	t.Helper()
	s := custodytest.NewSpecimens(1)
	r := export.Record{
		Created: noon, Purpose: "access", Secrets: export.Withheld, Institute: "musterbank",
		Customer: export.Customer{
			Name: "institutes/musterbank/customers/4711", Services: custodytest.Services(), Created: noon, Updated: noon,
			Contract: export.Contract{State: "terminating", EffectiveDate: "2027-01-01", Reason: "moves"},
			Data:     export.Nest(field.Customer, s.Customer()), Masked: []string{"phone_password"},
		},
		Purposes: export.Purposes(custodytest.Services()), Sources: export.Sources(), Categories: []string{"artefacts.bike", "customer", "secrets"},
		Recipients: []export.Recipient{
			{ID: "a", Time: noon, Purpose: "PURPOSE_ACCESS", Artefacts: []string{}, Classes: []string{"customer"}},
			{ID: "b", Time: noon, Recipient: "<b>Insurer</b> & Co", Purpose: "PURPOSE_RECTIFICATION_NOTICE", Artefacts: []string{"x"}, Classes: []string{}, Told: noon},
		},
		Retention: []export.Holding{
			{Class: "secrets", Count: 3, DueDate: "2027-01-01", Anchor: "contract-end", Period: "P0D", Alignment: "exact", Basis: "b"},
			{Class: "customer", Count: 1, Anchor: "contract-end", Period: "P3Y", Alignment: "end-of-year", Basis: "b"},
		},
		Restrictions: []export.Restriction{{Ground: "GROUND_OBJECTION", Created: noon, Told: noon, Lifted: noon}},
		Holds:        []export.Hold{{Kind: "KIND_LEGAL_CLAIM", Created: noon, UntilDate: "2030-01-01"}},
		Accesses: export.Accesses{From: noon, To: noon, Complete: true, Entries: []export.Access{
			{Time: noon, Action: "ArtefactService/RevealArtefact", Effect: "reveal", Role: "hotline", Purpose: "UNLOCK", Artefact: "x", Fields: []string{"sim_card.puk"}},
		}},
	}
	content := map[string][]byte{}
	random := rand.NewChaCha8([32]byte{1})
	for i, kind := range custodytest.Kinds() {
		a := export.Artefact{
			ID: fmt.Sprintf("a%d", i), Kind: kind, Service: field.Artefact.ServiceOf(kind), Created: noon, Updated: noon,
			Data: export.Nest(field.Artefact, s.Artefact(kind)), Masked: []string{}, Scans: []export.Scan{},
		}
		if kind == "document" {
			for n := range 20 {
				file := make([]byte, 50_000+n)
				random.Read(file)
				a.Scans = append(a.Scans, scan("front.pdf", "application/pdf", file))
				content[fmt.Sprintf("scans/%s/%02d-front.pdf", a.ID, n+1)] = file
			}
		}
		r.Artefacts = append(r.Artefacts, a)
	}
	return r, content
}

func written(t testing.TB, r export.Record) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := export.Write(&out, r, time.UTC); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// opened gives the files of an archive, and its names in their order.
func opened(t testing.TB, archive []byte) (files map[string][]byte, names []string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	files = map[string][]byte{}
	for _, f := range z.File {
		content, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(content); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		names = append(names, f.Name)
	}
	return files, names
}

// checkSchema fails the test where customer.json does not keep the archive's schema.
func checkSchema(t testing.TB, files map[string][]byte) {
	t.Helper()
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(files["export.schema.json"]))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("export.schema.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("export.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	record, err := jsonschema.UnmarshalJSON(bytes.NewReader(files["customer.json"]))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(record); err != nil {
		t.Error(err)
	}
}

func TestArchive(t *testing.T) {
	t.Parallel()
	r, content := full(t)
	archive := written(t, r)
	files, names := opened(t, archive)
	if len(files) != 5+len(content) || len(names) != len(files) || names[len(names)-1] != "manifest.json" {
		t.Errorf("files are %q", names)
	}
	for name, want := range content {
		if !bytes.Equal(files[name], want) {
			t.Errorf("%s: %d bytes, not those of the scan", name, len(files[name]))
		}
	}
	checkSchema(t, files)

	var m export.Manifest
	if err := json.Unmarshal(files["manifest.json"], &m); err != nil {
		t.Fatal(err)
	}
	if m.Format != export.Format || m.Version != export.Version || !m.Created.Equal(noon) || len(m.Files) != len(files)-1 {
		t.Errorf("the manifest is %+v", m)
	}
	for i, f := range m.Files {
		if f.Name != names[i] || f.Size != int64(len(files[f.Name])) || f.SHA256 != sum(files[f.Name]) || f.MediaType == "" {
			t.Errorf("the manifest has %+v", f)
		}
	}
	var got export.Record
	if err := json.Unmarshal(files["customer.json"], &got); err != nil {
		t.Fatal(err)
	}
	for _, a := range got.Artefacts {
		for _, s := range a.Scans {
			if files[s.File] == nil || sum(files[s.File]) != s.SHA256 {
				t.Errorf("%s is not what the record says", s.File)
			}
		}
	}
}

// TestOthersOpenIt: what is written in one go, without going back, opens with tools
// that are not ours.
func TestOthersOpenIt(t *testing.T) {
	t.Parallel()
	r, _ := full(t)
	file := filepath.Join(t.TempDir(), "export.zip")
	if err := os.WriteFile(file, written(t, r), 0o600); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, command := range [][]string{
		{"unzip", "-tqq", file},
		{"python3", "-c", "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); sys.exit(z.testzip() is not None or len(z.namelist()) != 25)", file},
	} {
		if _, err := exec.LookPath(command[0]); err != nil {
			continue
		}
		tried++
		if out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", command[0], err, out)
		}
	}
	t.Logf("%d other tools opened it", tried)
}

// TestHostileNames: whatever a customer called a file, it comes out where it should,
// once, on every file system.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	r, _ := full(t)
	names := []string{
		"../../../etc/passwd", "..", ".", "", "/etc/passwd", `C:\Windows\system32.pdf`, "a\x00b.pdf", "new\nline.pdf", "CON", "nul.pdf", "A.PDF", "a.pdf",
		"\u202efdp.exe", "ｆｕｌｌ.pdf", "e\u0301.pdf", strings.Repeat("ü", 200) + ".pdf", "a.pdf ", "x.pdf.exe", "\xff\xfe.pdf", "scan:stream.pdf",
	}
	a := &r.Artefacts[len(r.Artefacts)-1]
	a.Scans = nil
	for _, name := range names {
		a.Scans = append(a.Scans, scan(name, "application/pdf", []byte("%PDF")))
	}
	files, all := opened(t, written(t, r))
	checkSchema(t, files)
	seen := map[string]bool{}
	for _, name := range all {
		folder, base := filepath.Split(name)
		if !strings.HasPrefix(name, "scans/") {
			continue
		}
		switch {
		case folder != "scans/"+a.ID+"/", !filepath.IsLocal(name), seen[strings.ToLower(name)], len(base) > 200, !strings.HasSuffix(base, ".pdf"),
			strings.ContainsFunc(base, func(r rune) bool { return r < 0x20 || r == 0x202e || strings.ContainsRune(`\/:*?"<>|`, r) }),
			strings.HasSuffix(strings.TrimSuffix(base, ".pdf"), "."):
			t.Errorf("a file is called %q", name)
		}
		seen[strings.ToLower(name)] = true
	}
	if len(seen) != len(names) {
		t.Errorf("%d files of %d", len(seen), len(names))
	}
}

// TestPages: the pages escape what was typed, load nothing, and say everything in
// their language.
func TestPages(t *testing.T) {
	t.Parallel()
	r, _ := full(t)
	r.Artefacts[0].Data["label"] = `<script>alert("x")</script><img src=x onerror=1>`
	files, _ := opened(t, written(t, r))
	for name, want := range map[string][]string{
		"summary.de.html": {"Ihre gespeicherten Daten", `lang="de"`, "Rahmennummer", "21.11.2026 12:00 UTC", "01.01.2027", "Fahrrad-Schutz", "im Klartext ausgegeben", "Sie selbst", "Einschränkungen"},
		"summary.en.html": {"What is held of you", `lang="en"`, "Frame number", "21 November 2026, 12:00 UTC", "1 January 2027", "Bike protection", "given out in clear", "you", "Restrictions"},
	} {
		page := string(files[name])
		for _, text := range append(want, "&lt;script&gt;", "&lt;b&gt;Insurer&lt;/b&gt; &amp; Co", "Content-Security-Policy") {
			if !strings.Contains(page, text) {
				t.Errorf("%s does not say %q", name, text)
			}
		}
		for _, text := range []string{"<script", "<img", "<b>", "http://", "https://", "@import", "url(", "ZgotmplZ", "TYPE_", "SERVICE_", "PURPOSE_", "KIND_", "GROUND_"} {
			if strings.Contains(page, text) {
				t.Errorf("%s holds %q", name, text)
			}
		}
	}
}

// TestFormerContracts: what is kept of a contract before the present one lies in the
// archive like the rest, or is said to be withheld.
func TestFormerContracts(t *testing.T) {
	t.Parallel()
	r, content := full(t)
	was := r.Customer
	was.Contract = export.Contract{State: "ended", EffectiveDate: "2025-02-01"}
	r.FormerContracts = []export.FormerContract{
		{EffectiveDate: "2024-03-01", Withheld: true, Artefacts: []export.Artefact{}},
		{EffectiveDate: "2025-02-01", Customer: &was, Artefacts: r.Artefacts},
	}
	r.Retention[0].FormerContract = "2025-02-01"
	r.Artefacts = nil
	files, names := opened(t, written(t, r))
	if len(names) != 5+len(content) {
		t.Errorf("files are %q", names)
	}
	for name, want := range content {
		if !bytes.Equal(files[name], want) {
			t.Errorf("%s: %d bytes, not those of the scan", name, len(files[name]))
		}
	}
	for name, want := range map[string][]string{
		"summary.de.html": {"Früherer Vertrag, erster Tag ohne ihn 01.03.2024", "Die Datenschutzstelle", "ohne ihn 01.02.2025", "Rahmennummer", "früherer Vertrag, bis vor 01.02.2025"},
		"summary.en.html": {"Former contract, first day without it 1 March 2024", "The privacy officers", "without it 1 February 2025", "Frame number", "former contract, until before 1 February 2025"},
	} {
		for _, text := range want {
			if !strings.Contains(string(files[name]), text) {
				t.Errorf("%s does not say %q", name, text)
			}
		}
	}
	r.Artefacts = []export.Artefact{}
	files, _ = opened(t, written(t, r))
	checkSchema(t, files)
}

// TestNoArchive: what goes wrong leaves nothing that opens.
func TestNoArchive(t *testing.T) {
	t.Parallel()
	broken := errors.New("the store is away")
	whole := []byte("%PDF whole")
	for what, change := range map[string]func(*export.Scan){
		"does not open": func(s *export.Scan) { s.Open = func() (io.ReadCloser, error) { return nil, broken } },
		"breaks off": func(s *export.Scan) {
			s.Open = func() (io.ReadCloser, error) {
				return io.NopCloser(io.MultiReader(bytes.NewReader(whole[:4]), iotest.ErrReader(broken))), nil
			}
		},
		"breaks at its end": func(s *export.Scan) {
			s.Open = func() (io.ReadCloser, error) {
				return io.NopCloser(io.MultiReader(bytes.NewReader(whole), iotest.ErrReader(broken))), nil
			}
		},
		"is longer":  func(s *export.Scan) { s.Size-- },
		"is shorter": func(s *export.Scan) { s.Size++ },
		"is another": func(s *export.Scan) { s.SHA256 = sum(nil) },
	} {
		r, _ := full(t)
		s := scan("a.pdf", "application/pdf", whole)
		change(&s)
		r.Artefacts[0].Scans = []export.Scan{s}
		var out bytes.Buffer
		err := export.Write(&out, r, time.UTC)
		if !errors.Is(err, broken) && !errors.Is(err, export.ErrDiffers) {
			t.Errorf("a scan that %s: %v", what, err)
		}
		if _, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len())); err == nil {
			t.Errorf("a scan that %s leaves an archive that opens", what)
		}
	}
	r, _ := full(t)
	full, w := io.Pipe()
	full.CloseWithError(broken)
	if err := export.Write(w, r, time.UTC); !errors.Is(err, broken) {
		t.Errorf("nobody who takes it: %v", err)
	}
}

// TestSchemaFile: the published schema is the one in the archives.
func TestSchemaFile(t *testing.T) {
	t.Parallel()
	published, err := os.ReadFile("../../docs/export.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(published, export.Schema()) {
		t.Error("docs/export.schema.json is not what the API says; run make generate")
	}
	for _, field := range []string{"frame_number", "card_verification_code", "insured_before", "TYPE_PASSPORT"} {
		if !slices.Contains(strings.FieldsFunc(string(published), func(r rune) bool { return r == '"' }), field) {
			t.Errorf("the schema does not know %s", field)
		}
	}
}
