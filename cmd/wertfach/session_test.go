package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/internal/devserver"
)

const customerName = "institutes/musterbank/customers/4711"

// session is a server of its own and somebody at a keyboard.
type session struct {
	dev *devserver.Dev
	dir string // for files
}

func newSession(t *testing.T) session {
	t.Helper()
	dev, err := devserver.Start(t.Context(), t.TempDir(), devserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := dev.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return session{dev: dev, dir: t.TempDir()}
}

// file writes an input file and gives its path.
func (s session) file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// result is what a command left behind.
type result struct {
	out, err string
	code     int
}

// as runs a command with a role's profile, and stdin on standard input.
func (s session) as(role, stdin string, args ...string) result {
	return command(context.Background(), stdin, false, append([]string{"--profile", s.dev.Profile(role)}, args...)...)
}

// must is as, where the command must succeed without a word to standard error.
func (s session) must(t *testing.T, role, stdin string, args ...string) string {
	t.Helper()
	r := s.as(role, stdin, args...)
	if r.code != exitOK || r.err != "" {
		t.Fatalf("wertfach %s: exit code %d\n%s", strings.Join(args, " "), r.code, r.err)
	}
	return r.out
}

// refused is as, where the command must fail with this code and word.
func (s session) refused(t *testing.T, role, stdin string, code int, word string, args ...string) result {
	t.Helper()
	r := s.as(role, stdin, args...)
	if r.code != code || !strings.Contains(r.err, word) || r.out != "" {
		t.Errorf("wertfach %s: exit code %d, want %d with %q and no answer\n%s%s", strings.Join(args, " "), r.code, code, word, r.err, r.out)
	}
	return r
}

// command runs a command line in this process.
func command(ctx context.Context, stdin string, watched bool, args ...string) result {
	var out, problems bytes.Buffer
	code := run(ctx, &cli{
		stdin: strings.NewReader(stdin), stdout: &out, stderr: &problems, watched: watched,
		getenv: func(string) string { return "" }, now: time.Now,
	}, args)
	return result{out: out.String(), err: problems.String(), code: code}
}

// decoded reads an answer in JSON.
func decoded(t *testing.T, out string) map[string]any {
	t.Helper()
	var answer map[string]any
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	return answer
}

// name is the name in an answer.
func name(t *testing.T, out string) string {
	t.Helper()
	name, _ := decoded(t, out)["name"].(string)
	if name == "" {
		t.Fatalf("no name in\n%s", out)
	}
	return name
}

const (
	customerJSON = `{
  "name": "institutes/musterbank/customers/4711",
  "givenName": "Anna", "familyName": "Muster", "dateOfBirth": "1984-05-17",
  "iban": "DE89 3704 0044 0532 0130 00", "address": {"street": "Lindenallee 7", "postalCode": "10115", "locality": "Berlin"},
  "phonePassword": "Blaue Donau", "email": "anna@example.com",
  "services": ["SERVICE_SIM_CARD_PROTECTION", "SERVICE_BIKE_PROTECTION", "SERVICE_PAYMENT_CARD_PROTECTION",
    "SERVICE_DEVICE_INSURANCE", "SERVICE_DOCUMENT_PROTECTION"]
}`
	simJSON = `{"label": "telephone", "simCard": {"iccid": "8949 0200 0000 0000 014", "pin": "4711", "puk": "12345678"}}`
	pan     = "4111111111111111"
)

// batchJSON are the other kinds of artefacts.
const batchJSON = `{"artefacts": [
  {"label": "city bike", "bike": {"manufacturer": "Musterrad", "model": "Stadt 3", "frameNumber": "WTF 2026 0815"}},
  {"paymentCard": {"pan": "` + pan + `", "holder": "Anna Muster", "scheme": "SCHEME_VISA"}},
  {"device": {"type": "TYPE_PHONE", "manufacturer": "Beispiel", "insuredBefore": true}},
  {"document": {"type": "TYPE_INSURANCE_POLICY", "number": "HR-2026-1"}}
]}`

// enrolled is a session with a customer and a SIM card.
func enrolled(t *testing.T) (s session, sim string) {
	t.Helper()
	s = newSession(t)
	s.must(t, "portal", "", "customer", "enrol", "-f", s.file(t, "customer.json", customerJSON))
	return s, name(t, s.must(t, "portal", simJSON, "artefact", "register", "--customer", customerName, "-f", "-"))
}
