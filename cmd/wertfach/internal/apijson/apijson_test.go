package apijson_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/cmd/wertfach/internal/apijson"
	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

const secret = "83749281"

func read(content string, m proto.Message, prefix string) error {
	v, err := apijson.Parse("sim.json", []byte(content))
	if err != nil {
		return err
	}
	return v.Into(m, prefix)
}

func TestBothSpellingsOfNames(t *testing.T) {
	t.Parallel()
	want := &wertfachv1.Artefact{
		Label: "Läuft 🚲", Kind: &wertfachv1.Artefact_SimCard{SimCard: &wertfachv1.SimCard{Iccid: "8949", NetworkOperator: "O"}},
	}
	for _, content := range []string{
		`{"label": "Läuft 🚲", "simCard": {"iccid": "8949", "networkOperator": "O", "puk": null}}`,
		`{"label": "L\u00e4uft \ud83d\udeb2", "sim_card": {"iccid": "8949", "network_operator": "O"}}`,
		"\uFEFF{\r\n\t\"label\": \"Läuft 🚲\",\r\n\t\"simCard\": {\"iccid\": \"8949\", \"networkOperator\": \"O\"}}\r\n",
	} {
		got := &wertfachv1.Artefact{}
		if err := read(content, got, "artefact."); err != nil || !proto.Equal(got, want) {
			t.Errorf("%s: %v, %v", content, got, err)
		}
	}
}

func TestWhatOtherResourcesHold(t *testing.T) {
	t.Parallel()
	got := &wertfachv1.Customer{}
	err := read(`{"name": "n", "services": ["SERVICE_BIKE_PROTECTION"], "address": {"postalCode": "10115"},
		"contract": {"state": "STATE_ACTIVE"}, "createTime": "2026-11-21T22:50:00.123Z", "etag": "e"}`, got, "customer.")
	if err != nil || got.GetServices()[0] != wertfachv1.Service_SERVICE_BIKE_PROTECTION || got.GetCreateTime().GetNanos() != 123e6 {
		t.Errorf("%v, %v", got, err)
	}
	device := &wertfachv1.Artefact{}
	if err := read(`{"device": {"type": "TYPE_PHONE", "insuredBefore": false}, "scans": [{"sizeBytes": "7"}]}`, device, "artefact."); err != nil ||
		device.GetDevice().InsuredBefore == nil || device.GetScans()[0].GetSizeBytes() != 7 {
		t.Errorf("%v, %v", device, err)
	}
}

// Every mistake is told by field, rule and line, and none repeats the value.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content string
		want    []string // field, rule, line
	}{
		"unknown field":      {`{"simCard": {` + "\n" + `"pukk": "` + secret + `"}}`, []string{"artefact.sim_card.pukk json.unknown-field 2"}},
		"a value as name":    {`{"simCard": {"` + secret + `": "puk"}}`, []string{"artefact.sim_card.? json.unknown-field 1"}},
		"odd name":           {`{"a b\n` + secret + `": 1}`, []string{"artefact.? json.unknown-field 1"}},
		"number for text":    {`{"simCard": {"puk":` + "\n\n" + secret + `}}`, []string{"artefact.sim_card.puk json.text 3"}},
		"list for text":      {`{"label": ["` + secret + `"]}`, []string{"artefact.label json.text 1"}},
		"object for text":    {`{"label": {"` + secret + `": 1}}`, []string{"artefact.label json.text 1"}},
		"text for object":    {`{"simCard": "` + secret + `"}`, []string{"artefact.sim_card json.object 1"}},
		"text for all":       {`"` + secret + `"`, []string{"artefact json.object 1"}},
		"list for all":       {`["` + secret + `"]`, []string{"artefact json.object 1"}},
		"enum":               {`{"device": {"type": "` + secret + `"}}`, []string{"artefact.device.type json.enum 1"}},
		"enum as number":     {`{"device": {"type": ` + secret + `}}`, []string{"artefact.device.type json.enum 1"}},
		"truth value":        {`{"device": {"insuredBefore": "` + secret + `"}}`, []string{"artefact.device.insured_before json.bool 1"}},
		"text for list":      {`{"scans": "` + secret + `"}`, []string{"artefact.scans json.list 1"}},
		"in a list":          {`{"scans": [{}, {"fileName": ` + secret + `}]}`, []string{"artefact.scans[1].file_name json.text 1"}},
		"null in a list":     {`{"scans": [null]}`, []string{"artefact.scans[0] json.object 1"}},
		"two kinds":          {`{"simCard": {}, "bike": {}}`, []string{"artefact.bike json.one-of 1"}},
		"twice":              {`{"label": "` + secret + `", "label": "x"}`, []string{"artefact.label json.twice 1"}},
		"twice, two ways":    {`{"simCard": {}, "sim_card": {}}`, []string{"artefact.sim_card json.twice 1"}},
		"point in time":      {`{"createTime": "` + secret + `"}`, []string{"artefact json.form 1"}},
		"size":               {`{"scans": [{"sizeBytes": "` + secret + `x"}]}`, []string{"artefact json.form 1"}},
		"escaped surrogate":  {`{"label": "` + secret + `\ud800"}`, []string{"artefact json.form 1"}},
		"several":            {"{\"labell\": 1,\n\"simCard\": {\"pin\": 1,\n\"pukk\": 1}}", []string{"artefact.labell json.unknown-field 1", "artefact.sim_card.pin json.text 2", "artefact.sim_card.pukk json.unknown-field 3"}},
		"nothing":            {"", []string{"sim.json json.syntax 1"}},
		"not JSON":           {"{\n" + secret, []string{"sim.json json.syntax 2"}},
		"cut":                {`{"label": "` + secret, []string{"sim.json json.syntax 1"}},
		"comma at the end":   {`{"label": "` + secret + `",}`, []string{"sim.json json.syntax 1"}},
		"more behind":        {"{}\n" + secret, []string{"sim.json json.single 2"}},
		"no UTF-8":           {`{"label": "` + secret + "\xfc\"}", []string{"sim.json json.utf8 1"}},
		"deep":               {strings.Repeat("[", 10_000), []string{"sim.json json.depth 1"}},
		"comment":            {"{// " + secret + "\n}", []string{"sim.json json.syntax 1"}},
		"YAML":               {"label: " + secret, []string{"sim.json json.syntax 1"}},
		"unquoted name":      {"{label: " + secret + "}", []string{"sim.json json.syntax 1"}},
		"colon missing":      {`{"label" "` + secret + `"}`, []string{"sim.json json.syntax 1"}},
		"comma missing":      {`{"label": "a" "` + secret + `": 1}`, []string{"sim.json json.syntax 1"}},
		"wrong bracket":      {`{"label": "` + secret + `"]`, []string{"sim.json json.syntax 1"}},
		"raw line in a text": {"{\"label\": \"" + secret + "\n\"}", []string{"sim.json json.syntax 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := read(c.content, &wertfachv1.Artefact{}, "artefact.")
			var e *fault.Error
			if !errors.As(err, &e) || e.Kind != fault.Invalid {
				t.Fatalf("%v; want a violation", err)
			}
			var got []string
			for _, v := range e.Violations {
				_, line, _ := strings.Cut(v.Description, "line ")
				got = append(got, v.Field+" "+v.Rule+" "+strings.TrimSuffix(line, ")"))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error repeats the value: %v", err)
			}
		})
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		`{}`:             "",
		`{"label": "x"}`: "label",
		`{"label": ""}`:  "label",
		`{"simCard": {"puk": "1", "pin": null, "networkOperator": ""}}`:                   "sim_card.puk sim_card.pin sim_card.network_operator",
		`{"bike": {"purchase": {"date": "x", "amount": ""}, "model": "m"}}`:               "bike.purchase.date bike.purchase.amount bike.model",
		`{"bike": {"purchase": {}}}`:                                                      "bike.purchase",
		`{"bike": {"purchase": null}, "label": null}`:                                     "bike.purchase label",
		`{"name": "n", "etag": "e", "scans": [{}], "createTime": "t", "label": "x"}`:      "label",
		`{"device": {"insured_before": false, "type": "TYPE_PHONE"}, "updateTime": null}`: "device.insured_before device.type",
	} {
		v, err := apijson.Parse("f", []byte(content))
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.Paths(&wertfachv1.Artefact{}, "artefact.")
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v; want %q", content, got, err, want)
		}
	}
	v, err := apijson.Parse("f", []byte("{\n\"services\": [], \"contract\": {\"state\": \"STATE_ENDED\"}}"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Paths(&wertfachv1.Customer{}, "customer.")
	var e *fault.Error
	if !errors.As(err, &e) || len(e.Violations) != 1 || e.Violations[0].Field != "customer.services" {
		t.Errorf("%v; want a violation of customer.services", err)
	}
}

func TestElements(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]int{
		`[]`: 0, `[{}, {}]`: 2, `{"artefacts": [{}]}`: 1, `{}`: -1, `{"artefacts": {}}`: -1, `{"artefacts": [], "label": ""}`: -1, `"x"`: -1,
	} {
		v, err := apijson.Parse("f", []byte(content))
		if err != nil {
			t.Fatal(err)
		}
		if got, isList := v.Elements("artefacts"); isList != (want >= 0) || isList && len(got) != want {
			t.Errorf("%s: %d, %v", content, len(got), isList)
		}
	}
}

// Whatever passes the checks is read, and whatever is refused is refused without
// a crash and without repeating the file.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"simCard": {"puk": "` + secret + `"}}`, `[{}]`, `{"artefacts": [{"label": 1}]}`, `{"bike": {"purchase": null}}`, "{\"a\":\n[1,2,{}]} x", "\uFEFF\"",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		v, err := apijson.Parse("f", content)
		if err == nil {
			err = v.Into(&wertfachv1.Artefact{}, "artefact.")
		}
		if err == nil {
			_, err = v.Paths(&wertfachv1.Artefact{}, "artefact.")
		}
		if err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%v is no violation", err)
		}
	})
}

// Lines are counted right far into a file.
func TestLargeFiles(t *testing.T) {
	t.Parallel()
	const n = 100_000
	v, err := apijson.Parse("f", []byte("["+strings.Repeat("{},\n", n)+"{\"labell\": 1}]"))
	if err != nil {
		t.Fatal(err)
	}
	list, _ := v.Elements("")
	if len(list) != n+1 {
		t.Fatalf("%d elements", len(list))
	}
	if err := list[n].Into(&wertfachv1.Artefact{}, "artefact."); err == nil || !strings.Contains(err.Error(), "line 100001") {
		t.Errorf("%v", err)
	}
}
