package custody

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/format"
)

// model is what custody should be, as plain maps without stores, keys or
// servers. Its methods give the reason of a refusal, or "".
type model struct {
	customers map[string]*modelCustomer // those that are enrolled
	erased    map[string]int            // how often each was erased
	now       time.Time
	zone      *time.Location
	limits    Limits
}

type modelCustomer struct {
	values    field.Values
	services  []string
	artefacts []*modelArtefact
	ends      string // the first day without contract, or ""
	former    int    // contracts of which something is kept
	requests  map[string]modelRequest
	tag
}

// tag is an etag, which is random and so is learnt from the real thing. The
// model knows when it must be another one.
type tag struct {
	etag  string
	stale bool // the resource has changed since etag was learnt
}

// refuses says whether a caller who gives an etag has seen another state.
func (t tag) refuses(etag string) bool { return etag != "" && etag != t.etag }

// learn takes the present etag, and says whether it may be that.
func (t *tag) learn(etag string) bool {
	right := etag != "" && (etag != t.etag) == (t.stale || t.etag == "")
	*t = tag{etag: etag}
	return right
}

type modelArtefact struct {
	id     string // as the real one is called
	kind   string
	values field.Values
	scans  []modelScan
	tag
}

type modelScan struct {
	id      string
	content []byte
}

type modelRequest struct {
	content string
	results []string
}

func (m *model) today() string { return m.now.In(m.zone).Format(time.DateOnly) }

func (m *model) ended(c *modelCustomer) bool { return c.ends != "" && c.ends <= m.today() }

func (m *model) enrol(id string, values field.Values, services []string, returning bool, req Request) string {
	if values["family_name"] == "" {
		return "INVALID_FIELD"
	}
	if c := m.customers[id]; c != nil {
		if r, known := c.requests[req.ID]; !known {
			switch {
			case !m.ended(c):
				return ReasonCustomerExists
			case !returning:
				return ReasonFormerContract
			case c.former >= mostFormer:
				return ReasonTooMany
			}
			c.requests[req.ID] = modelRequest{content: string(req.Content)}
			m.customers[id] = &modelCustomer{
				values: maps.Clone(values), services: slices.Clone(services), requests: c.requests, former: c.former + 1,
			}
		} else if r.content != string(req.Content) {
			return ReasonRequestIDReused
		}
		return ""
	}
	m.customers[id] = &modelCustomer{
		values: maps.Clone(values), services: slices.Clone(services),
		requests: map[string]modelRequest{req.ID: {content: string(req.Content)}},
	}
	return ""
}

// change changes what is kept of an enrolled customer. What a request was answered
// with is nobody's any more once the contract has ended.
func (m *model) change(id string, req Request, rule func(*modelCustomer) ([]string, string)) (results []string, reason string) {
	if results, reason = m.govern(id, req, rule); reason == "" && m.ended(m.customers[id]) {
		return nil, ReasonContractEnded
	}
	return results, reason
}

// govern changes the contract of an enrolled customer. That it was done may be asked
// at any time.
func (m *model) govern(id string, req Request, rule func(*modelCustomer) ([]string, string)) (results []string, reason string) {
	c := m.customers[id]
	if c == nil {
		return nil, ReasonCustomerNotFound
	}
	if r, known := c.requests[req.ID]; known {
		if r.content != string(req.Content) {
			return nil, ReasonRequestIDReused
		}
		return r.results, ""
	}
	if m.ended(c) {
		return nil, ReasonContractEnded
	}
	if results, reason = rule(c); reason == "" {
		c.requests[req.ID] = modelRequest{string(req.Content), results}
	}
	return results, reason
}

func (m *model) updateCustomer(c *modelCustomer, values field.Values, paths []string, etag string) string {
	switch {
	case c.refuses(etag):
		return ReasonStaleETag
	case slices.Contains(paths, "family_name") && values["family_name"] == "":
		return "INVALID_FIELD"
	}
	c.values = merge(c.values, values, paths)
	c.stale = true
	return ""
}

func (m *model) register(c *modelCustomer, drafts []Draft, ids []string) string {
	for i, d := range drafts {
		switch {
		case !slices.Contains(c.services, field.Artefact.ServiceOf(d.Kind)):
			return ReasonServiceNotBooked
		case len(c.artefacts)+i >= m.limits.Artefacts:
			return ReasonTooMany
		}
	}
	for i, d := range drafts {
		c.artefacts = append(c.artefacts, &modelArtefact{id: ids[i], kind: d.Kind, values: maps.Clone(d.Values)})
	}
	return ""
}

func (c *modelCustomer) artefact(id string) *modelArtefact {
	for _, a := range c.artefacts {
		if a.id == id {
			return a
		}
	}
	return nil
}

func (m *model) updateArtefact(c *modelCustomer, id string, values field.Values, paths []string, etag string) string {
	a := c.artefact(id)
	switch {
	case a == nil:
		return ReasonArtefactNotFound
	case a.refuses(etag):
		return ReasonStaleETag
	}
	for _, path := range paths {
		if values[path] == "" && field.Artefact.Spec(path).Required {
			return "INVALID_FIELD"
		}
	}
	a.values = merge(a.values, values, paths)
	a.stale = true
	return ""
}

func (m *model) deleteArtefact(c *modelCustomer, id, etag string) string {
	switch a := c.artefact(id); {
	case a == nil:
		return ReasonArtefactNotFound
	case a.refuses(etag):
		return ReasonStaleETag
	default:
		c.artefacts = slices.DeleteFunc(c.artefacts, func(o *modelArtefact) bool { return o == a })
		return ""
	}
}

func (m *model) setServices(c *modelCustomer, services []string, etag string) string {
	withdraws := slices.ContainsFunc(c.services, func(s string) bool { return !slices.Contains(services, s) })
	switch {
	case c.refuses(etag):
		return ReasonStaleETag
	case withdraws && etag == "":
		return ReasonETagRequired
	}
	c.services = slices.Clone(services)
	c.artefacts = slices.DeleteFunc(c.artefacts, func(a *modelArtefact) bool {
		return !slices.Contains(services, field.Artefact.ServiceOf(a.kind))
	})
	c.stale = true
	return ""
}

func (m *model) addScan(c *modelCustomer, artefact, id string, content []byte) string {
	switch a := c.artefact(artefact); {
	case a == nil:
		return ReasonArtefactNotFound
	case len(a.scans) >= m.limits.Scans:
		return ReasonTooMany
	default:
		a.scans = append(a.scans, modelScan{id, content})
		a.stale = true
		return ""
	}
}

func (m *model) deleteScan(c *modelCustomer, artefact, id string) string {
	a := c.artefact(artefact)
	if a == nil {
		return ReasonArtefactNotFound
	}
	at := slices.IndexFunc(a.scans, func(s modelScan) bool { return s.id == id })
	if at < 0 {
		return ReasonScanNotFound
	}
	a.scans = slices.Delete(slices.Clone(a.scans), at, at+1)
	a.stale = true
	return ""
}

func (m *model) terminate(c *modelCustomer, day string) string {
	switch {
	case day < m.today():
		return "INVALID_FIELD"
	}
	c.ends = day
	c.stale = true
	return ""
}

func (m *model) cancel(c *modelCustomer) string {
	switch {
	case c.ends == "":
		return ReasonContractRuns
	}
	c.ends = ""
	c.stale = true
	return ""
}

func (m *model) erase(id, etag string) string {
	switch c := m.customers[id]; {
	case c == nil && m.erased[id] == 0:
		return ReasonCustomerNotFound
	case c == nil:
		return ""
	case c.refuses(etag):
		return ReasonStaleETag
	}
	delete(m.customers, id)
	m.erased[id]++
	return ""
}

// sweep erases all whose contract has ended, and what is kept of the former ones of
// others. It says of how many.
func (m *model) sweep() (erased, shed int) {
	for id, c := range m.customers {
		switch {
		case m.ended(c):
			m.erase(id, "")
			erased++
		case c.former > 0:
			c.former = 0
			shed++
		}
	}
	return erased, shed
}

// reveal gives an artefact's values with those at paths in clear.
func (m *model) reveal(c *modelCustomer, id string, paths []string) (field.Values, string) {
	a := c.artefact(id)
	switch {
	case m.ended(c):
		return nil, ReasonContractEnded
	case a == nil:
		return nil, ReasonArtefactNotFound
	case len(paths) == 0:
		paths = slices.Collect(maps.Keys(a.values))
	}
	return merge(hidden(field.Artefact, a.values), a.values, paths), ""
}

// hidden is values as everybody sees them.
func hidden(t *field.Table, values field.Values) field.Values {
	out := field.Values{}
	for path, text := range values {
		out[path] = t.Spec(path).Show(format.Tidy(text))
	}
	return out
}

// listing is what a customer's list should show.
func (c *modelCustomer) listing() string {
	var out []string
	for _, a := range c.artefacts {
		var sizes []int
		for _, s := range a.scans {
			sizes = append(sizes, len(s.content))
		}
		out = append(out, fmt.Sprint(a.id, " ", a.kind, " ", shown(hidden(field.Artefact, a.values)), sizes))
	}
	return fmt.Sprint(out)
}
