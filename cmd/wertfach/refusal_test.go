package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/internal/profile"
)

// Input that is refused is named by field and rule, never repeated, and leaves
// nothing.
func TestInputThatIsRefused(t *testing.T) {
	t.Parallel()
	s, sim := enrolled(t)
	const secret = "87651234"
	before := s.must(t, "portal", "", "artefact", "list", "--customer", customerName)
	register := []string{"artefact", "register", "--customer", customerName, "-f", "-"}
	update := []string{"artefact", "update", sim, "-f", "-"}
	for name, c := range map[string]struct {
		stdin string
		want  string
		args  []string
	}{
		"unknown field":            {`{"simCard": {"pukk": "` + secret + `"}}`, "artefact.sim_card.pukk: is not a field of SimCard (standard input, line 1) [json.unknown-field]\n", register},
		"number":                   {`{"simCard": {"puk": ` + secret + `}}`, "artefact.sim_card.puk: must be text in quotes", register},
		"wrong checksum":           {`{"simCard": {"iccid": "8949 0200 0000 0000 015", "puk": "` + secret + `"}}`, "artefact.sim_card.iccid: ", register},
		"several mistakes":         {`{"simCard": {"puk": "` + secret + `1", "pin": "1"}}`, "[puk.length]\n", register},
		"no kind":                  {`{"label": "` + secret + `"}`, "artefact", register},
		"second of a list":         {`[` + simJSON + `, {"simCard": {"puk": ` + secret + `}}]`, "artefacts[1].sim_card.puk", register},
		"second, by the server":    {`[` + simJSON + `, {"bike": {"model": "` + secret + `"}}]`, "artefacts[1].bike.manufacturer", register},
		"empty list":               {`[]`, "artefacts", register},
		"code of a card":           {`{"paymentCard": {"pan": "` + pan + `", "cardVerificationCode": "123"}}`, "[issuer-only]", register},
		"not JSON":                 {"x" + secret, "standard input: must be JSON", register},
		"customer's name":          {`{"name": "` + secret + `", "familyName": "x"}`, "customer.name: ", []string{"customer", "enrol", "-f", "-"}},
		"update of another":        {`{"name": "` + customerName + `/artefacts/` + secret + `", "label": "x"}`, "artefact.name: ", update},
		"update of nothing":        {`{"etag": "` + secret + `"}`, "must hold a field that changes", update},
		"update of another kind":   {`{"bike": {"model": "` + secret + `"}}`, "[kind.fixed]", update},
		"update to a masked value": {`{"simCard": {"puk": "••••"}}`, "[masked]", update},
		"update of services":       {`{"services": []}`, "customer.services: ", []string{"customer", "update", customerName, "-f", "-"}},
		"update of unknown field":  {`{"simCard": {"pukk": ""}}`, "artefact.sim_card.pukk", update},
	} {
		r := s.refused(t, "portal", c.stdin, exitInvalid, c.want, c.args...)
		for _, value := range []string{secret, pan, "••••"} {
			if strings.Contains(r.err, value) {
				t.Errorf("%s: the message repeats a value:\n%s", name, r.err)
			}
		}
	}
	s.refused(t, "portal", `{"etag": "stale", "label": "x", "simCard": {"pin": ""}}`, exitState, "[STALE_ETAG]", update...)
	if after := s.must(t, "portal", "", "artefact", "list", "--customer", customerName); after != before {
		t.Errorf("something was left:\n%s", after)
	}
}

func TestExitCodesOfTheServersAnswers(t *testing.T) {
	t.Parallel()
	s, sim := enrolled(t)
	for _, c := range []struct {
		code int
		word string
		args []string
	}{
		{exitState, "[CUSTOMER_EXISTS]", []string{"customer", "enrol", "-f", filepath.Join(s.dir, "customer.json")}},
		{exitNotFound, "[CUSTOMER_NOT_FOUND]", []string{"customer", "get", "institutes/musterbank/customers/4712"}},
		{exitNotFound, "[CUSTOMER_NOT_FOUND]", []string{"customer", "get", "institutes/none/customers/4711"}},
		{exitNotFound, "[ARTEFACT_NOT_FOUND]", []string{"artefact", "get", customerName + "/artefacts/none"}},
		{exitInvalid, "name: ", []string{"artefact", "get", customerName}},
		{exitInvalid, "name: ", []string{"customer", "get", "institutes/../customers/4711"}},
		{exitInvalid, "effective_date: ", []string{"contract", "terminate", "--customer", customerName, "--effective", "2026-02-30"}},
		{exitInvalid, "effective_date: ", []string{"contract", "terminate", "--customer", customerName, "--effective", "2020-01-01"}},
		{exitInvalid, "--field: names a field", []string{"artefact", "reveal", sim, "--purpose", "unlock", "--field", "sim_card.none"}},
		{exitDenied, "[ROLE_NOT_ALLOWED]", []string{"erase", "confirm", customerName}},
		{exitUnavailable, "[DEADLINE_EXCEEDED]", []string{"customer", "get", customerName, "--timeout", "1ns"}},
	} {
		role := "portal"
		if c.args[0] == "contract" {
			role = "core-banking"
		}
		s.refused(t, role, "", c.code, c.word, c.args...)
	}
}

func TestCommandLinesThatAreWrong(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"customer":                                         "one of enrol, get, update",
		"custmer get x":                                    "is customer meant?",
		"customer gte x":                                   "is get meant?",
		"nonsense":                                         "there is no such command",
		"customer get":                                     "NAME is missing",
		"customer get a b":                                 "NAME is all it takes",
		"customer enrol":                                   `"file"`,
		"customer enrol -f x y":                            "flags only",
		"erase request x --ground child":                   `"reason"`,
		"erase request x --reason y":                       `"ground"`,
		"erase request x --ground fun --reason y":          "purpose-gone, consent-withdrawn",
		"artefact register -f x":                           `"customer"`,
		"artefact reveal x":                                `"purpose"`,
		"artefact reveal x --purpose curiosity":            "customer-request, unlock, block, claim, police-report",
		"artefact reveal x --purpose unspecified":          "must be one of",
		"service withdraw --customer x --service all":      "bike-protection, sim-card-protection",
		"scan upload --artefact x":                         "FILE is missing",
		"scan download x":                                  `"out"`,
		"receipt verify x":                                 `"key"`,
		"customer get x -o yaml":                           "json, table",
		"customer get x --timeout soon":                    "--timeout: must be a time such as 30s",
		"customer get x --timeout=-1s":                     "--timeout: must be a time such as 30s",
		"customer get x -o=":                               "-o, --output: must be one of",
		"customer get x -z4711":                            "-z is no flag",
		"customer get x --=4711":                           "a flag is written",
		"customer get x --output":                          "--output",
		"dev --sample=4711":                                "--sample: can't be understood",
		"help nonsense":                                    "there is no such command",
		"help customer nonsense":                           "there is no such command",
		"help custmer":                                     "is customer meant?",
		"customer get x --bogus":                           "--bogus",
		"customer get x":                                   "--profile FILE or WERTFACH_PROFILE",
		"--profile " + os.DevNull + "/none customer get x": "client profile",
	} {
		r := command(context.Background(), "", false, strings.Fields(line)...)
		if r.code != exitUsage || !strings.Contains(r.err, want) || !strings.HasPrefix(r.err, "wertfach: ") || r.out != "" {
			t.Errorf("wertfach %s: exit code %d, want %d with %q\n%s%s", line, r.code, exitUsage, want, r.err, r.out)
		}
		for _, value := range []string{"curiosity", "unspecified", "yaml", "soon", "4711", "nonsense"} {
			if strings.Contains(r.err, value) {
				t.Errorf("wertfach %s: the message repeats a value:\n%s", line, r.err)
			}
		}
	}
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	s, _ := enrolled(t)
	good, err := profile.Read(s.dev.Profile("portal"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*profile.Profile)
		code   int
		want   string
	}{
		"good":                {func(*profile.Profile) {}, exitOK, ""},
		"missing certificate": {func(p *profile.Profile) { p.CertFile = "none.pem" }, exitUsage, "none.pem"},
		"not an address":      {func(p *profile.Profile) { p.Address = "127.0.0.1:http:x" }, exitUnavailable, "can't be reached"},
		"nobody there":        {func(p *profile.Profile) { p.Address = "127.0.0.1:1" }, exitUnavailable, "can't be reached"},
		"another authority":   {func(p *profile.Profile) { p.CAFile = "" }, exitUnavailable, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := good
			c.change(&p)
			file := filepath.Join(t.TempDir(), "p.yaml")
			if err := profile.Write(file, p); err != nil {
				t.Fatal(err)
			}
			r := command(t.Context(), "", false, "customer", "get", customerName, "--profile", file)
			if r.code != c.code || !strings.Contains(r.err, c.want) {
				t.Errorf("exit code %d, want %d with %q\n%s", r.code, c.code, c.want, r.err)
			}
		})
	}
}

// Nobody has to type on before Ctrl-C or --timeout is heard.
func TestStandardInputThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	for _, end := range []struct {
		timeout string
		code    int
		says    string
	}{
		{"1h", exitInterrupted, "wertfach: interrupted\n"},
		{"1ms", exitUnavailable, "standard input"},
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		t.Cleanup(interrupt)
		keyboard := &silent{asked: interrupt, end: make(chan struct{})}
		if end.code != exitInterrupted {
			keyboard.asked = func() {}
		}
		t.Cleanup(func() { close(keyboard.end) })
		var out, problems bytes.Buffer
		code := run(ctx, &cli{
			stdin: keyboard, stdout: &out, stderr: &problems, getenv: func(string) string { return "" }, now: time.Now,
		}, []string{"--profile", s.dev.Profile("portal"), "customer", "enrol", "-f", "-", "--timeout", end.timeout})
		if code != end.code || !strings.Contains(problems.String(), end.says) || out.Len() > 0 {
			t.Errorf("exit code %d, want %d\n%s%s", code, end.code, &problems, &out)
		}
	}
}

// silent is a keyboard at which nobody types.
type silent struct {
	asked func()
	end   chan struct{}
}

// Read waits.
func (s *silent) Read([]byte) (int, error) {
	s.asked()
	<-s.end
	return 0, io.EOF
}

func TestInputThatIsTooLong(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	s.refused(t, "portal", strings.Repeat(" ", maxInput+1), exitExhausted, "standard input has more than 8 MiB", "customer", "enrol", "-f", "-")
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := command(ctx, "", false, "--profile", s.dev.Profile("portal"), "customer", "get", customerName)
	if r.code != exitInterrupted || r.err != "wertfach: interrupted\n" || r.out != "" {
		t.Errorf("exit code %d\n%s%s", r.code, r.err, r.out)
	}
}
