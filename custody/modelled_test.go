package custody

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/internal/custodytest"
)

// TestAgainstAModel drives custody and a model of it with the same random
// commands and compares every answer, and in the end all that is stored. The
// commands go through two servers in turn, whose caches know of each other's
// changes only through the store.
func TestAgainstAModel(t *testing.T) {
	t.Parallel()
	for _, b := range custodytest.Backends() {
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			root, most := newWorld(t, b), 40
			if b.Name == "real" {
				most = 8
			}
			rapid.Check(t, func(rt *rapid.T) {
				m := newModelled(t, rt, root.apart())
				for range rapid.IntRange(1, most).Draw(rt, "commands") {
					m.command()
				}
				m.finish()
			})
		})
	}
}

// modelled is custody beside its model.
type modelled struct {
	*rapid.T
	outer   testing.TB
	ctx     context.Context
	w       *world
	servers []*Custodian
	model   *model
	names   []resource.Customer
	earlier []func() // the commands so far that a request id makes repeatable
}

func newModelled(t testing.TB, rt *rapid.T, w *world) *modelled {
	zone, err := time.LoadLocation(defaultZone)
	if err != nil {
		t.Fatal(err)
	}
	limits := Limits{Artefacts: 6, Scans: 2}
	m := &modelled{
		T: rt, outer: t, ctx: t.Context(), w: w,
		model: &model{
			customers: map[string]*modelCustomer{}, erased: map[string]int{}, zone: zone, limits: limits,
			now: time.Date(2026, 3, 27, 12, 0, 0, 0, zone), // two days before the clocks change
		},
		names: []resource.Customer{w.newCustomer(), w.newCustomer()},
	}
	for range 2 {
		m.servers = append(m.servers, w.server(t, limited(limits), func(cfg *Config) {
			cfg.Now = func() time.Time { return m.model.now }
		}))
	}
	return m
}

// command draws a command, gives it to both, and compares the customer after it.
func (m *modelled) command() {
	commands := []func(resource.Customer){
		m.enrol, m.enrol, m.updateCustomer, m.register, m.register, m.register, m.updateArtefact, m.deleteArtefact,
		m.reveal, m.setServices, m.addScan, m.addScan, m.deleteScan, m.terminate, m.cancel, m.erase, m.pass, m.sweep, m.again,
	}
	name := rapid.SampledFrom(m.names).Draw(m.T, "customer")
	commands[rapid.IntRange(0, len(commands)-1).Draw(m.T, "command")](name)
	m.compare(name)
}

func (m *modelled) server() *Custodian {
	return m.servers[rapid.IntRange(0, len(m.servers)-1).Draw(m.T, "server")]
}

func (m *modelled) specimens() *custodytest.Specimens {
	return custodytest.NewSpecimens(rapid.Uint64Range(0, 1<<20).Draw(m.T, "seed"))
}

// same compares the answers to a command.
func (m *modelled) same(what string, err error, reason string) {
	m.Helper()
	if got := fault.ReasonOf(err); (err == nil) != (reason == "") || got != reason {
		m.Fatalf("%s: %v (%s), the model says %q", what, err, got, reason)
	}
}

// do gives a command now, and perhaps again later on.
func (m *modelled) do(command func()) {
	m.earlier = append(m.earlier, command)
	command()
}

func (m *modelled) again(resource.Customer) {
	if len(m.earlier) > 0 {
		m.earlier[rapid.IntRange(0, len(m.earlier)-1).Draw(m.T, "earlier")]()
		for _, name := range m.names {
			m.compare(name) // it may have been about the other one, whose etag is learnt so
		}
	}
}

// request has an id of its own, or now and then that of an earlier request.
func (m *modelled) request(name resource.Customer, content ...any) Request {
	req := Request{ID: newID(), Content: fmt.Append(nil, content...)}
	if c := m.model.customers[name.ID]; c != nil && len(c.requests) > 0 && rapid.IntRange(0, 19).Draw(m.T, "reuse") == 0 {
		for id := range c.requests {
			req.ID = id
		}
	}
	return req
}

func (m *modelled) services() []string {
	var chosen []string
	for _, s := range custodytest.Services() {
		if rapid.IntRange(0, 4).Draw(m.T, s) > 0 {
			chosen = append(chosen, s)
		}
	}
	return chosen
}

// etag is none, a wrong one, or the present one.
func (m *modelled) etag(present string) string {
	return rapid.SampledFrom([]string{"", "wrong", present, present}).Draw(m.T, "etag")
}

func (m *modelled) customerETag(name resource.Customer) string {
	if c := m.model.customers[name.ID]; c != nil {
		return m.etag(c.etag)
	}
	return m.etag("")
}

// pick gives one of the customer's artefacts, or one that is not there.
func (m *modelled) pick(name resource.Customer) (resource.Artefact, *modelArtefact) {
	c := m.model.customers[name.ID]
	if c == nil || len(c.artefacts) == 0 || rapid.IntRange(0, 9).Draw(m.T, "unknown") == 0 {
		return resource.Artefact{Customer: name, ID: "unknown"}, &modelArtefact{kind: "bike"}
	}
	a := c.artefacts[rapid.IntRange(0, len(c.artefacts)-1).Draw(m.T, "artefact")]
	return resource.Artefact{Customer: name, ID: a.id}, a
}

// some draws a few of the paths that have values.
func (m *modelled) some(t *field.Table, values field.Values) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(set(t, values)), 1, 4, rapid.ID[string]).Draw(m.T, "paths")
}

// update draws an update, which clears some of what it names.
func (m *modelled) update(name resource.Customer, t *field.Table, values field.Values, etag string) Update {
	in := Update{Values: values, Paths: m.some(t, values), ETag: etag}
	for _, path := range in.Paths {
		if rapid.IntRange(0, 3).Draw(m.T, "clear") == 0 {
			delete(values, path)
		}
	}
	in.Request = m.request(name, "update", in.Values, in.Paths, in.ETag)
	return in
}

// compare compares what readers see of a customer.
func (m *modelled) compare(name resource.Customer) {
	m.Helper()
	c, ctx := m.model.customers[name.ID], m.ctx
	if c != nil && m.model.ended(c) {
		_, err := m.server().Customer(ctx, name)
		m.same("reading what is restricted", err, ReasonContractEnded)
		ctx = ForRestricted(ctx, "LEGAL_CLAIM")
	}
	got, err := m.server().Customer(ctx, name)
	list, more, listErr := m.server().Artefacts(ctx, name, Page{Size: 100})
	if c == nil {
		m.same("reading", err, ReasonCustomerNotFound)
		m.same("listing", listErr, ReasonCustomerNotFound)
		return
	}
	m.same("reading", err, "")
	m.same("listing", listErr, "")
	if a, b := shown(got.Values), shown(hidden(field.Customer, c.values)); a != b {
		m.Fatalf("customer %s\nthe model says %s", a, b)
	}
	state := Active
	if c.ends != "" {
		state = Terminating
	}
	if m.model.ended(c) {
		state = Ended
	}
	if !slices.Equal(got.Services, c.services) || got.Contract.State != state || got.Contract.EffectiveDate != c.ends {
		m.Fatalf("services %v, contract %+v\nthe model says %v, state %d, %q", got.Services, got.Contract, c.services, state, c.ends)
	}
	var seen []string
	for _, a := range list {
		var sizes []int
		for _, s := range a.Scans {
			sizes = append(sizes, int(s.Size))
		}
		seen = append(seen, fmt.Sprint(a.Name.ID, " ", a.Kind, " ", shown(a.Values), sizes))
	}
	if a, b := fmt.Sprint(seen), c.listing(); a != b || more {
		m.Fatalf("listed %s, more %v\nthe model says %s", a, more, b)
	}
	for i, a := range list {
		if !c.artefacts[i].learn(a.ETag) {
			m.Fatalf("the etag of %s changed, or stayed, where it should not", a.Name)
		}
	}
	if !c.learn(got.ETag) {
		m.Fatalf("the customer's etag changed, or stayed, where it should not")
	}
}

// finish sweeps, reveals every secret and reads every scan, and looks at all
// that is stored.
func (m *modelled) finish() {
	m.Helper()
	m.sweep(resource.Customer{})
	for _, name := range m.names {
		m.compare(name)
		if c := m.model.customers[name.ID]; c != nil && !m.model.ended(c) {
			m.open(name, c)
		}
		if got := len(m.w.names(m.ctx, m.outer, m.w.secret.key.place(name).receipts())); got != m.model.erased[name.ID] {
			m.Fatalf("%d receipts, the model says %d", got, m.model.erased[name.ID])
		}
	}
	for _, problem := range m.w.problems(m.ctx, m.outer) {
		m.Fatal(problem)
	}
}

func (m *modelled) open(name resource.Customer, c *modelCustomer) {
	m.Helper()
	for _, a := range c.artefacts {
		at := resource.Artefact{Customer: name, ID: a.id}
		got, err := m.server().Reveal(m.ctx, at, nil)
		m.same("reveal", err, "")
		if x, y := shown(got.Values), shown(a.values); x != y {
			m.Fatalf("revealed %s\nthe model says %s", x, y)
		}
		for _, s := range a.scans {
			content, err := readScan(m.ctx, m.server(), resource.Scan{Artefact: at, ID: s.id})
			m.same("read a scan", err, "")
			if !bytes.Equal(content, s.content) {
				m.Fatalf("a scan has another content")
			}
		}
	}
}
