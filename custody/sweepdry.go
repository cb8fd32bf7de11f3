package custody

import "github.com/wertfach/wertfach/custody/retention"

// Found is what a dry run found to be due, in place of doing it.
type Found struct {
	// Classes counts what would go by its class in the retention rules: "secrets",
	// "artefacts.bike", "identity-copies.document", and one "customer" for each
	// contract of which nothing would stay: who the customer was in it.
	Classes map[string]int
}

// foundDue counts what a sweep would take of an opened dossier.
func (s *sweep) foundDue(d *Dossier) {
	over, any := d.over(), false
	if stopped, _ := d.stopped(); stopped && !over {
		return // the mark is of a day that has been put off
	}
	for _, h := range d.holdings() {
		if over || d.due(h) && (h.Class != retention.Customer || h.Former != "") {
			s.report.Found.Classes[className(h)] += h.Count
			any = true
		}
	}
	switch {
	case over:
		s.report.Erased++
	case any:
		s.report.Shed++
	}
}
