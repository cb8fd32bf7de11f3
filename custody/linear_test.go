package custody

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/internal/custodytest"
)

// TestHistoriesAreLinearizable lets clients work on few customers through two
// servers at random, while calls of the back ends are delayed, refused, or done
// without an answer. What the clients were told must be what a single server
// without any of that could have told them, and in the end everything that is
// stored must belong together.
func TestHistoriesAreLinearizable(t *testing.T) {
	t.Parallel()
	kinds := map[string]chaos{
		"calm":             {ops: []string{"register", "paint", "delete", "list", "list", "withdraw", "book"}},
		"faults":           {ops: []string{"register", "register", "paint", "delete", "list", "list", "withdraw", "book"}, refuse: 0.02, lose: 0.04},
		"erasing":          {ops: []string{"register", "paint", "delete", "list", "list", "erase", "enrol"}},
		"erasing, faults":  {ops: []string{"register", "paint", "delete", "list", "list", "erase", "enrol", "enrol"}, refuse: 0.01, lose: 0.02},
		"one thing, calm":  {ops: []string{"paint", "list", "delete", "register"}, labels: 1},
		"one thing, fault": {ops: []string{"paint", "list", "delete", "register"}, labels: 1, refuse: 0.02, lose: 0.04},
	}
	onEach(t, func(t *testing.T, root *world) {
		rounds := 6
		if root.deployment.Folder == "" {
			rounds = 2
		}
		for name, kind := range kinds {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				for round := range rounds {
					seed := rand.Uint64()
					h := &history{chaos: kind, w: root.apart(), started: time.Now()}
					h.run(t, seed)
					if t.Failed() {
						t.Fatalf("round %d, seed %d", round, seed)
					}
				}
			})
		}
	})
}

// chaos is what happens in a history.
type chaos struct {
	ops          []string
	labels       int // how many things there are at most; 0 is any number
	refuse, lose float64
}

// Sizes of a history. A checker has to try out orders, so it is no longer than
// it must be for calls to get in each other's way.
const (
	historyCustomers = 2
	historyClients   = 6
	historyCalls     = 14 // of each client
)

type history struct {
	chaos
	w         *world
	customers []resource.Customer
	started   time.Time
	labelled  atomic.Int64

	mu         sync.Mutex
	operations []porcupine.Operation
	known      map[string]resource.Artefact // by label
}

func (h *history) run(t *testing.T, seed uint64) {
	ctx := t.Context()
	calm := h.w.server(t)
	for range historyCustomers {
		name := h.w.newCustomer()
		if err := h.enrol(ctx, calm, name, Request{}); err != nil {
			t.Fatal(err)
		}
		h.customers = append(h.customers, name)
	}
	h.known = map[string]resource.Artefact{}
	servers := []*Custodian{h.server(t, seed), h.server(t, seed+1)}
	var clients sync.WaitGroup
	for client := range historyClients {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(client)))
			for range historyCalls {
				in := h.ask(random)
				h.record(t, client, in, func(req Request) told {
					return h.call(ctx, servers[random.IntN(len(servers))], in, req)
				}, random.IntN(2) == 0 && (in.op == "erase" || !slices.Contains(h.ops, "erase")))
				if random.IntN(10) == 0 {
					_, _ = servers[random.IntN(len(servers))].Sweep(ctx, SweepOptions{})
				}
			}
		})
	}
	clients.Wait()
	h.w.sweepAll(ctx, t)
	h.w.mustBeWhole(ctx, t)
	for i := range h.customers {
		in := asked{customer: i, op: "list"}
		h.record(t, historyClients, in, func(req Request) told { return h.call(ctx, calm, in, req) }, false)
	}
	model := linearizable()
	for _, ofOne := range model.Partition(h.operations) {
		switch porcupine.CheckOperationsTimeout(model, ofOne, time.Minute) {
		case porcupine.Illegal:
			t.Error("not linearizable")
			for _, o := range ofOne {
				t.Logf("%12d %12d client %d: %+v -> %+v", o.Call, o.Return, o.ClientId, o.Input, o.Output)
			}
		case porcupine.Unknown:
			t.Error("the history is too long to be checked")
		}
	}
}

// server has short leases, so that erasures which broke off are taken over.
func (h *history) server(t *testing.T, seed uint64) *Custodian {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 99))
	script := func(ctx context.Context, _ custodytest.Call) custodytest.Fate {
		mu.Lock()
		p, pause := random.Float64(), time.Duration(random.IntN(1500))*time.Microsecond
		slow := random.IntN(4) == 0
		mu.Unlock()
		if slow { // the others go ahead
			timer := time.NewTimer(pause)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		}
		switch {
		case p < h.refuse:
			return custodytest.Refuse
		case p < h.refuse+h.lose:
			return custodytest.Lose
		default:
			return custodytest.Pass
		}
	}
	return h.w.server(t, h.w.scripted(script), func(cfg *Config) { cfg.Lease = 2 * time.Second })
}

func (h *history) ask(random *rand.Rand) asked {
	in := asked{
		customer: random.IntN(len(h.customers)), op: h.ops[random.IntN(len(h.ops))],
		colour: fmt.Sprintf("c%d", random.IntN(1_000_000)),
	}
	switch in.op {
	case "register":
		in.label = fmt.Sprintf("t%d-%d", in.customer, h.labelled.Add(1))
	case "paint", "delete":
		h.mu.Lock()
		defer h.mu.Unlock()
		var labels []string
		for label, at := range h.known {
			if at.Customer == h.customers[in.customer] {
				labels = append(labels, label)
			}
		}
		if len(labels) == 0 {
			in.op = "list"
			return in
		}
		in.label = labels[random.IntN(len(labels))]
	}
	return in
}

// record makes a call and writes down when it began, when it was over, and what
// it was answered. A call without an answer is perhaps made again; not so, but
// for erasing itself, where customers are erased, since with the dossier goes the
// memory of what was done.
func (h *history) record(t *testing.T, client int, in asked, call func(Request) told, again bool) {
	o := porcupine.Operation{ClientId: client, Input: in, Call: int64(time.Since(h.started))}
	req := request(fmt.Sprint(in))
	out := call(req)
	for tries := 0; again && out.unknown && tries < 3; tries++ {
		out = call(req)
		switch {
		case in.op == "erase" && out.reason == ReasonBeingErased, in.op == "paint" && out.reason == ReasonArtefactNotFound:
			out.unknown = true // an earlier try may have done it, or be at it
		}
	}
	if in.op == "erase" && out.reason == ReasonBeingErased {
		out.unknown = true // it is confirmed, and a sweep may carry it out
	}
	if in.op == "register" && out.reason == ReasonArtefactNotFound {
		out.reason = "" // a try whose answer got lost did it, and it is gone again
	}
	o.Output, o.Return = out, int64(time.Since(h.started))
	if out.unknown {
		o.Return = math.MaxInt64
	}
	if out.unknown && in.op == "list" {
		return
	}
	if out.reason == "internal" {
		t.Errorf("%+v: %+v", in, out)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, o)
}

func (h *history) call(ctx context.Context, c *Custodian, in asked, req Request) told {
	list, err := h.act(ctx, c, in, req)
	switch fault.KindOf(err) {
	case fault.Unavailable:
		return told{unknown: true}
	case fault.Internal, fault.Corrupt:
		if err != nil {
			return told{reason: "internal", list: fmt.Sprintf("%v: %v", err, errors.Unwrap(err))}
		}
	}
	return told{reason: fault.ReasonOf(err), list: list}
}

func (h *history) act(ctx context.Context, c *Custodian, in asked, req Request) (list string, err error) {
	name := h.customers[in.customer]
	h.mu.Lock()
	at := h.known[in.label]
	h.mu.Unlock()
	switch in.op {
	case "enrol":
		return "", h.enrol(ctx, c, name, req)
	case "erase":
		_, err = erase(ctx, c, name, "asked for it", "", req)
	case "register":
		values := field.Values{"label": in.label, "bike.colour": in.colour, "bike.manufacturer": "x", "bike.frame_number": in.label}
		var made []Artefact
		if made, err = c.Register(ctx, name, []Draft{{Kind: "bike", Values: values}}, req); err == nil {
			h.learn(made)
		}
	case "paint":
		// The frame number changes too, and with it the pointer.
		values := field.Values{"bike.colour": in.colour, "bike.frame_number": in.colour}
		_, err = c.UpdateArtefact(ctx, at, "bike", Update{Values: values, Paths: []string{"bike.colour", "bike.frame_number"}, Request: req})
	case "delete":
		err = c.DeleteArtefact(ctx, at, "", req)
	case "withdraw":
		var customer Customer
		if customer, err = c.Customer(ctx, name); err == nil {
			_, err = c.SetServices(ctx, name, nil, customer.ETag, req)
		}
	case "book":
		_, err = c.SetServices(ctx, name, []string{"SERVICE_BIKE_PROTECTION"}, "", req)
	case "list":
		var all []Artefact
		if all, _, err = c.Artefacts(ctx, name, Page{Size: 500}); err == nil {
			h.learn(all)
		}
		items := map[string]string{}
		for _, a := range all {
			items[a.Values["label"]] = a.Values["bike.colour"]
		}
		list = listed(items)
	}
	return list, err
}

func (h *history) enrol(ctx context.Context, c *Custodian, name resource.Customer, req Request) error {
	_, err := c.Enrol(ctx, name, Enrolment{
		Values: custodytest.NewSpecimens(1).PlainCustomer(), Services: []string{"SERVICE_BIKE_PROTECTION"}, Request: req,
	})
	return err
}

// learn remembers where things are. With few labels all clients work on the same.
func (h *history) learn(list []Artefact) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range list {
		if h.labels > 0 && len(h.known) >= h.labels*historyCustomers {
			return
		}
		h.known[a.Values["label"]] = a.Name
	}
}

// TestRegistrationsAtOnceLoseNothing registers through two servers as fast as it goes.
func TestRegistrationsAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		const workers, each = 12, 8
		ctx, f := t.Context(), w.fixture(t.Context(), t)
		servers := []*Custodian{w.server(t), w.server(t)}
		var made sync.Map
		var group sync.WaitGroup
		for worker := range workers {
			group.Go(func() {
				s := custodytest.NewSpecimens(uint64(worker))
				for range each {
					draft, req := Draft{Kind: "bike", Values: s.Artefact("bike")}, request("register")
					list, err := servers[worker%2].Register(ctx, f.customer, []Draft{draft}, req)
					for fault.ReasonOf(err) == ReasonContention {
						list, err = servers[worker%2].Register(ctx, f.customer, []Draft{draft}, req)
					}
					if err != nil {
						t.Errorf("%v: %v", err, errors.Unwrap(err))
						return
					}
					made.Store(list[0].Name, list[0].Values["bike.frame_number"])
				}
			})
		}
		group.Wait()
		list, _, err := w.server(t).Artefacts(ctx, f.customer, Page{Size: 1000})
		if err != nil || len(list) != workers*each+3 {
			t.Errorf("%v, %d artefacts, want %d", err, len(list), workers*each+3)
		}
		for _, a := range list[3:] {
			if frame, known := made.LoadAndDelete(a.Name); !known || frame != a.Values["bike.frame_number"] {
				t.Errorf("%s is listed and was not acknowledged so", a.Name)
			}
		}
		w.mustBeWhole(ctx, t)
	})
}
