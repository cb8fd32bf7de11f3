package config

import (
	"errors"
	"maps"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/custody/retention"
)

// banks is minimal with rules for all institutes and for one of the two.
var banks = strings.Replace(minimal, "  - id: musterbank\n", `  - id: musterbank
    retention:
      - {class: artefacts.sim_card, alignment: end-of-next-year, basis: § 95(3) TKG of 2004}
      - {class: artefacts, exemption: 17(3)(e)}
      - {class: disclosures, anchor: contract-end, exemption: ""}
  - id: kartenbank
`, 1) + `retention:
  - {class: artefacts.bike, exemption: 17(3)(e)}
  - {class: artefacts, period: P5Y}
  - {class: artefacts.sim_card, period: P0D}
  - {class: disclosures, period: P10Y, basis: § 147 AO}
`

func TestRetentionFor(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, banks)
	for _, institute := range []string{"musterbank", "kartenbank", "elsewhere"} {
		if err := c.RetentionFor(institute).Check(artefactKinds()); err != nil {
			t.Errorf("%s: %v", institute, err)
		}
	}
	years := func(n int) retention.Period { return retention.Period{Years: n} }
	const claims = "§§ 195, 199 BGB: limitation of claims"
	for _, test := range []struct {
		institute, kind string
		want            retention.Rule
	}{
		{"kartenbank", "", retention.Rule{Class: "artefacts", Anchor: "contract-end", Period: years(5), Alignment: "end-of-year", Basis: claims}},
		{"kartenbank", "device", retention.Rule{Class: "artefacts", Anchor: "contract-end", Period: years(5), Alignment: "end-of-year", Basis: claims}},
		// What is said of all artefacts counts for one kind, wherever it is listed.
		{"kartenbank", "bike", retention.Rule{Class: "artefacts.bike", Anchor: "contract-end", Period: years(5), Alignment: "end-of-year", Basis: claims, Exemption: "17(3)(e)"}},
		{"kartenbank", "sim_card", retention.Rule{Class: "artefacts.sim_card", Anchor: "contract-end", Alignment: "end-of-year", Basis: claims}},
		{"musterbank", "", retention.Rule{Class: "artefacts", Anchor: "contract-end", Period: years(5), Alignment: "end-of-year", Basis: claims, Exemption: "17(3)(e)"}},
		// What all institutes have for the kind goes before the institute's own for all artefacts.
		{"musterbank", "sim_card", retention.Rule{Class: "artefacts.sim_card", Anchor: "contract-end", Alignment: "end-of-next-year", Basis: "§ 95(3) TKG of 2004"}},
	} {
		if got := c.RetentionFor(test.institute).Of(retention.Artefacts, test.kind); got != test.want {
			t.Errorf("%s, %q:\ngot  %+v\nwant %+v", test.institute, test.kind, got, test.want)
		}
	}
	if got, want := c.RetentionFor("musterbank")[retention.Disclosures], (retention.Rule{
		Class: "disclosures", Anchor: "contract-end", Period: years(10), Alignment: "end-of-year", Basis: "§ 147 AO",
	}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := c.RetentionFor("kartenbank")[retention.Disclosures].Exemption; got != retention.LegalObligation {
		t.Errorf("got %q", got)
	}
	if got := mustLoad(t, minimal).RetentionFor("musterbank"); !maps.Equal(got, retention.Defaults()) {
		t.Errorf("got %v", got)
	}
}

// TestExampleShowsRetention takes the comment signs from the example's sections:
// the one for all institutes says, in full, what is built in.
func TestExampleShowsRetention(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	section := regexp.MustCompile(`(?m)^( *)# retention:.*\n( *#.*\n)+`)
	shown := section.ReplaceAllStringFunc(string(text), func(s string) string {
		return regexp.MustCompile(`(?m)^( *)# ?`).ReplaceAllString(s, "$1")
	})
	// A comment within has two signs, of which the other one is left.
	c := mustLoad(t, shown)
	if len(c.Retention) != len(retention.Defaults()) {
		t.Fatalf("%d rules are shown", len(c.Retention))
	}
	for _, r := range c.Retention {
		v := reflect.ValueOf(r)
		for i := range v.NumField() {
			if v.Field(i).Kind() == reflect.String && v.Field(i).IsZero() {
				t.Errorf("%s does not show its %s", r.Class, v.Type().Field(i).Name)
			}
		}
		if got, want := r.over(nil), retention.Defaults()[r.Class]; got != want {
			t.Errorf("%s:\nshown    %+v\nbuilt in %+v", r.Class, got, want)
		}
	}
	i := c.Institutes[0]
	if got := c.RetentionFor(i.ID).Of(retention.Artefacts, "sim_card").Due("2026-06-30"); len(i.Retention) != 1 || got != "2028-01-01" {
		t.Errorf("%s: %d rules; a SIM card's data is due %s", i.ID, len(i.Retention), got)
	}
}

func TestRetentionErrors(t *testing.T) {
	t.Parallel()
	const classes = "must be secrets, artefacts, identity-copies, disclosures, customer, titled-claims, artefacts.bike, artefacts.sim_card"
	for name, test := range map[string]struct{ entries, want string }{
		"no class":      {"{period: P3Y}", "[0].class must be given"},
		"class":         {"{class: " + leaked + "}", "[0].class " + classes},
		"class's rest":  {"{class: " + leaked + ", anchor: " + leaked + "}", "[0].class " + classes},
		"kind":          {"{class: artefacts." + leaked + "}", "[0].class " + classes},
		"kind of other": {"{class: secrets.sim_card}", "[0].class " + classes},
		"twice":         {"{class: secrets, period: P1D}, {class: customer}, {class: secrets}", "[2].class must differ from those before"},
		"anchor":        {"{class: customer}, {class: secrets, anchor: created}", "[1].anchor must be contract-end"},
		"kind's anchor": {"{class: artefacts.bike, anchor: created}", "[0].anchor must be contract-end"},
		"period":        {"{class: artefacts, period: " + leaked + "}", "[0].period must be a period such as P3Y"},
		"period long":   {"{class: artefacts, period: P101Y}", "[0].period must be a period such as P3Y"},
		"period number": {"{class: artefacts, period: 3}", "[0].period must be a period such as P3Y"},
		"alignment":     {"{class: artefacts, alignment: " + leaked + "}", "[0].alignment must be exact, end-of-year or end-of-next-year"},
		"basis":         {`{class: artefacts, basis: "` + leaked + `\n"}`, "[0].basis must have 1 to 200 characters"},
		"exemption":     {"{class: artefacts, exemption: " + leaked + "}", "[0].exemption must be 17(3)(b) or 17(3)(e)"},
	} {
		for key, text := range map[string]string{
			"retention":               minimal + "retention: [" + test.entries + "]\n",
			"institutes[0].retention": strings.Replace(minimal, "id: musterbank", "id: a\n    retention: ["+test.entries+"]", 1),
		} {
			_, err := load(t, text)
			var problem *Error
			if !errors.As(err, &problem) || len(problem.Problems) != 1 {
				t.Errorf("%s: got %v, want one problem", name, err)
				continue
			}
			if got := problem.Problems[0].String(); !strings.HasPrefix(got, key+test.want) {
				t.Errorf("%s:\ngot  %s\nwant %s", name, got, key+test.want)
			}
			if strings.Contains(err.Error(), leaked) {
				t.Errorf("%s: the error repeats the value: %v", name, err)
			}
		}
	}
	for name, test := range map[string]struct{ entries, want string }{
		"key":     {"[{class: secrets, perod: P3Y}]", "line 14: retention[0].perod is not a key; known here are class, anchor, period,"},
		"no list": {"{class: secrets}", "line 14: retention must be a list"},
		"word":    {"[" + leaked + "]", "line 14: retention[0] must be a section with keys"},
		"list":    {"[{class: secrets, period: [" + leaked + "]}]", "line 14: retention[0].period must be text"},
	} {
		_, err := load(t, minimal+"retention: "+test.entries)
		var problem *Error
		if !errors.As(err, &problem) || len(problem.Problems) != 1 || !strings.HasPrefix(problem.Problems[0].String(), test.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// A fault in what all institutes have is told once, and not again for each.
func TestRetentionErrorIsToldOnce(t *testing.T) {
	t.Parallel()
	_, err := load(t, strings.Replace(banks, "class: artefacts, period: P5Y", "class: artefacts, anchor: created", 1))
	var problem *Error
	if !errors.As(err, &problem) || len(problem.Problems) != 1 || problem.Problems[0].Key != "retention[1].anchor" {
		t.Errorf("got %v", err)
	}
}
