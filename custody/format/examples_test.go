package format

import "testing"

// example is a value as somebody types it. Where rule is empty it must pass and
// normalise to want; otherwise it must break that rule.
type example struct{ in, want, rule string }

func good(in, want string) example { return example{in: in, want: want} }

func bad(rule, in string) example { return example{in: in, rule: rule} }

// same is for values that are already in their normal form.
func same(values ...string) []example {
	list := make([]example, len(values))
	for i, v := range values {
		list[i] = example{in: v, want: v}
	}
	return list
}

func broken(rule string, values ...string) []example {
	list := make([]example, len(values))
	for i, v := range values {
		list[i] = example{in: v, rule: rule}
	}
	return list
}

func checkExamples(t *testing.T, f Format, lists ...[]example) {
	t.Helper()
	for _, list := range lists {
		for _, e := range list {
			p := f.Check(e.in)
			if got := ruleOf(p); got != e.rule {
				t.Errorf("%s: Check(%q) broke %q, want %q", f, e.in, got, e.rule)
			}
			if e.rule != "" {
				continue
			}
			if got := f.Normalise(e.in); got != e.want {
				t.Errorf("%s: Normalise(%q) = %q, want %q", f, e.in, got, e.want)
			}
		}
	}
}

func ruleOf(p *Problem) string {
	if p == nil {
		return ""
	}
	return p.Rule
}
