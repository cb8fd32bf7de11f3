package custody

import (
	"bytes"
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/internal/custodytest"
)

// The commands of TestAgainstAModel. Each draws what it needs once, so that it
// can be repeated as it was.

func (m *modelled) enrol(name resource.Customer) {
	values, services := m.specimens().PlainCustomer(), m.services()
	if rapid.IntRange(0, 9).Draw(m.T, "broken") == 0 {
		delete(values, "family_name")
	}
	returning := rapid.Bool().Draw(m.T, "returning")
	req := m.request(name, "enrol", values, services, returning)
	m.do(func() {
		_, err := m.server().Enrol(m.ctx, name, Enrolment{Values: values, Services: services, Returning: returning, Request: req})
		m.same("enrol", err, m.model.enrol(name.ID, values, services, returning, req))
	})
}

func (m *modelled) updateCustomer(name resource.Customer) {
	values := m.specimens().PlainCustomer()
	for path := range values { // these have rules across fields, which other tests are for
		if path != "family_name" && path != "given_name" && path != "email" && path != "online_banking_login" {
			delete(values, path)
		}
	}
	in := m.update(name, field.Customer, values, m.customerETag(name))
	m.do(func() {
		_, err := m.server().UpdateCustomer(m.ctx, name, in)
		_, reason := m.model.change(name.ID, in.Request, func(c *modelCustomer) ([]string, string) {
			return nil, m.model.updateCustomer(c, in.Values, in.Paths, in.ETag)
		})
		m.same("update customer", err, reason)
	})
}

func (m *modelled) register(name resource.Customer) {
	s := m.specimens()
	var drafts []Draft
	for range rapid.IntRange(1, 3).Draw(m.T, "batch") {
		kind := rapid.SampledFrom(custodytest.Kinds()).Draw(m.T, "kind")
		drafts = append(drafts, Draft{Field: "artefact", Kind: kind, Values: s.Artefact(kind)})
	}
	broken := rapid.IntRange(0, 9).Draw(m.T, "broken") == 0
	if broken {
		drafts[len(drafts)-1].Kind = "car"
	}
	req := m.request(name, "register", drafts)
	m.do(func() {
		list, err := m.server().Register(m.ctx, name, drafts, req)
		var ids []string
		for _, a := range list {
			ids = append(ids, a.Name.ID)
		}
		if broken {
			m.same("register", err, "INVALID_FIELD")
			return
		}
		results, reason := m.model.change(name.ID, req, func(c *modelCustomer) ([]string, string) {
			if err != nil {
				ids = make([]string, len(drafts)) // it is refused, or the answers differ
			}
			return ids, m.model.register(c, drafts, ids)
		})
		for _, id := range results {
			if reason == "" && m.model.customers[name.ID].artefact(id) == nil {
				reason = ReasonArtefactNotFound // removed since the first time
			}
		}
		m.same("register", err, reason)
		if err == nil && fmt.Sprint(ids) != fmt.Sprint(results) {
			m.Fatalf("registered %v, the model says %v", ids, results)
		}
	})
}

func (m *modelled) updateArtefact(name resource.Customer) {
	at, a := m.pick(name)
	in := m.update(name, field.Artefact, m.specimens().Artefact(a.kind), m.etag(a.etag))
	m.do(func() {
		_, err := m.server().UpdateArtefact(m.ctx, at, a.kind, in)
		_, reason := m.model.change(name.ID, in.Request, func(c *modelCustomer) ([]string, string) {
			return nil, m.model.updateArtefact(c, at.ID, in.Values, in.Paths, in.ETag)
		})
		if reason == "" && m.model.customers[name.ID].artefact(at.ID) == nil {
			reason = ReasonArtefactNotFound
		}
		m.same("update artefact", err, reason)
	})
}

func (m *modelled) deleteArtefact(name resource.Customer) {
	at, a := m.pick(name)
	etag := m.etag(a.etag)
	req := m.request(name, "delete", at, etag)
	m.do(func() {
		err := m.server().DeleteArtefact(m.ctx, at, etag, req)
		_, reason := m.model.change(name.ID, req, func(c *modelCustomer) ([]string, string) {
			return nil, m.model.deleteArtefact(c, at.ID, etag)
		})
		m.same("delete artefact", err, reason)
	})
}

func (m *modelled) reveal(name resource.Customer) {
	at, a := m.pick(name)
	var paths []string
	if values := m.specimens().Artefact(a.kind); rapid.Bool().Draw(m.T, "some") {
		paths = m.some(field.Artefact, values)
	}
	got, err := m.server().Reveal(m.ctx, at, paths)
	c, want, reason := m.model.customers[name.ID], field.Values(nil), ReasonCustomerNotFound
	if c != nil {
		want, reason = m.model.reveal(c, at.ID, paths)
	}
	m.same("reveal", err, reason)
	if x, y := shown(got.Values), shown(want); x != y {
		m.Fatalf("revealed %s\nthe model says %s", x, y)
	}
}

func (m *modelled) setServices(name resource.Customer) {
	services, etag := m.services(), m.customerETag(name)
	req := m.request(name, "services", services, etag)
	m.do(func() {
		_, err := m.server().SetServices(m.ctx, name, services, etag, req)
		_, reason := m.model.change(name.ID, req, func(c *modelCustomer) ([]string, string) {
			return nil, m.model.setServices(c, services, etag)
		})
		m.same("set services", err, reason)
	})
}

func (m *modelled) addScan(name resource.Customer) {
	at, _ := m.pick(name)
	content := m.specimens().PDF(rapid.IntRange(16, 9_000).Draw(m.T, "size"))
	req := m.request(name, "add scan", at, content)
	m.do(func() {
		scan, err := addPDF(m.ctx, m.server(), at, content, req)
		results, reason := m.model.change(name.ID, req, func(c *modelCustomer) ([]string, string) {
			return []string{scan.Name.ID}, m.model.addScan(c, at.ID, scan.Name.ID, content)
		})
		if reason == "" {
			switch a := m.model.customers[name.ID].artefact(at.ID); {
			case a == nil:
				reason = ReasonArtefactNotFound
			case !a.has(results[0]):
				reason = ReasonScanNotFound
			}
		}
		m.same("add scan", err, reason)
		if err == nil && scan.Name.ID != results[0] {
			m.Fatalf("uploaded %s, the model says %s", scan.Name.ID, results[0])
		}
	})
}

func (a *modelArtefact) has(scan string) bool {
	for _, s := range a.scans {
		if s.id == scan {
			return true
		}
	}
	return false
}

func (m *modelled) deleteScan(name resource.Customer) {
	at, a := m.pick(name)
	scan := resource.Scan{Artefact: at, ID: "unknown"}
	if len(a.scans) > 0 {
		s := a.scans[rapid.IntRange(0, len(a.scans)-1).Draw(m.T, "scan")]
		scan.ID = s.id
		content, err := readScan(m.ctx, m.server(), scan)
		if !m.model.ended(m.model.customers[name.ID]) && (err != nil || !bytes.Equal(content, s.content)) {
			m.Fatalf("read a scan: %v, %d bytes", err, len(content))
		}
	}
	req := m.request(name, "delete scan", scan)
	m.do(func() {
		err := m.server().DeleteScan(m.ctx, scan, req)
		_, reason := m.model.change(name.ID, req, func(c *modelCustomer) ([]string, string) {
			return nil, m.model.deleteScan(c, at.ID, scan.ID)
		})
		m.same("delete scan", err, reason)
	})
}

func (m *modelled) terminate(name resource.Customer) {
	day := m.model.now.AddDate(0, 0, rapid.IntRange(-1, 4).Draw(m.T, "days")).In(m.model.zone).Format(time.DateOnly)
	req := m.request(name, "terminate", day)
	m.do(func() {
		_, err := m.server().Terminate(m.ctx, name, day, "", req)
		_, reason := m.model.govern(name.ID, req, func(c *modelCustomer) ([]string, string) {
			return nil, m.model.terminate(c, day)
		})
		m.same("terminate", err, reason)
	})
}

func (m *modelled) cancel(name resource.Customer) {
	req := m.request(name, "cancel")
	m.do(func() {
		_, err := m.server().CancelTermination(m.ctx, name, req)
		_, reason := m.model.govern(name.ID, req, func(c *modelCustomer) ([]string, string) {
			return nil, m.model.cancel(c)
		})
		m.same("cancel", err, reason)
	})
}

func (m *modelled) erase(name resource.Customer) {
	etag := m.customerETag(name)
	out, err := erase(m.ctx, m.server(), name, "asked for it", etag, Request{})
	m.same("erase", err, m.model.erase(name.ID, etag))
	if err == nil && out.Statement.Policy != PolicyRequest && out.Statement.Policy != PolicyRetention {
		m.Fatalf("the receipt says %+v", out.Statement)
	}
}

// pass lets some time pass.
func (m *modelled) pass(resource.Customer) {
	m.model.now = m.model.now.Add(time.Duration(rapid.IntRange(1, 60).Draw(m.T, "hours")) * time.Hour)
}

func (m *modelled) sweep(resource.Customer) {
	report, err := m.server().Sweep(m.ctx, SweepOptions{})
	erased, shed := m.model.sweep()
	if want := (SweepReport{Erased: erased, Shed: shed}); err != nil || report != want {
		m.Fatalf("sweep: %v, %+v, the model says %+v", err, report, want)
	}
}
