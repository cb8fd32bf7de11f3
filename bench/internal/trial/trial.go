// Package trial measures: each target of the benchmark has a trial of its own,
// in the file of its name, and every trial measures in the same way.
//
// A trial has sides: the product's calls and the floors beside them. Round by
// round every side runs for some seconds, each round beginning with another
// side, so that what the machine does meanwhile falls on all of them alike.
// Before the first round each side runs once without being counted. What a side
// needs, such as customers, is made before its clock begins.
package trial

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/wertfach/wertfach/bench/internal/floor"
	"github.com/wertfach/wertfach/bench/internal/load"
	"github.com/wertfach/wertfach/bench/internal/proc"
	"github.com/wertfach/wertfach/bench/internal/product"
	"github.com/wertfach/wertfach/bench/internal/result"
	"github.com/wertfach/wertfach/bench/internal/site"
)

// workers is how many callers there are where a target says "32 at once".
const workers = 32

// Setting is what trials work with.
type Setting struct {
	Site    *site.Site
	Floor   *floor.Floor
	Product *product.Product
	// Binary is the product's program, for the trials that start it; Dir is a
	// folder for what they need.
	Binary, Dir string
	// Rounds is how many rounds there are, Round how long a side runs in each.
	Rounds int
	Round  time.Duration
	// Quick makes things smaller where the size does not matter to see that all
	// works.
	Quick bool
	// ProductOnly leaves the floors out, for a profile of the product.
	ProductOnly bool
	// Profile is called before each counted run of a side, and what it gives
	// after it; may be nil.
	Profile func() (stop func() error, err error)
	// Say tells a person what goes on.
	Say func(format string, args ...any)
}

// Trial measures what one target asks for.
type Trial struct {
	Target string
	// institutes are those whose customers it works with, its own alone, so that
	// what one trial leaves behind is not in another's way.
	institutes []string
	// Starts is whether it starts the product's program itself, and so can't be
	// had from a server within the benchmark's process.
	Starts bool
	run    func(context.Context, *Setting) ([]result.Row, error)
}

// All gives the trials in the order in which they run.
func All() []Trial {
	return []Trial{
		{Target: "P1", run: register, institutes: []string{"p1"}},
		{Target: "P2", run: list, institutes: []string{"p2"}},
		{Target: "P3", run: alone, institutes: []string{"p3", "p3-full"}},
		{Target: "P4", run: scans, institutes: []string{"p4"}},
		{Target: "P5", run: enrol, institutes: []string{"p5", "p5-password"}},
		{Target: "P6", run: erase, institutes: []string{"p6"}},
		{Target: "P7", run: sweep},
		{Target: "P8", run: memory, institutes: []string{"p8", "p8-full"}, Starts: true},
		{Target: "P9", run: begin, institutes: []string{"p9"}, Starts: true},
	}
}

// Institutes are those of all trials.
func Institutes() []string {
	var ids []string
	for _, t := range All() {
		ids = append(ids, t.institutes...)
	}
	return ids
}

// Run runs the trial.
func (t Trial) Run(ctx context.Context, s *Setting) ([]result.Row, error) {
	rows, err := t.run(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Target, err)
	}
	for i := range rows {
		rows[i].Target = t.Target
	}
	return rows, nil
}

// side is one of the things that are compared.
type side struct {
	name string
	// floor marks the calls without the product.
	floor bool
	// prepare makes what the side needs; may be nil. It is not measured.
	prepare func(ctx context.Context) error
	// run makes the calls, for about d where their number is not fixed.
	run func(ctx context.Context, d time.Duration) (load.Sample, error)

	samples []load.Sample
	used    result.Usage // processor time of the counted rounds
}

// looped is a side whose workers call until the time is over.
func looped(name string, workers int, call load.Call) *side {
	return &side{name: name, run: func(ctx context.Context, d time.Duration) (load.Sample, error) {
		return load.For(ctx, workers, d, call)
	}}
}

// baseline is a looped side without the product.
func baseline(name string, workers int, call load.Call) *side {
	s := looped(name, workers, call)
	s.floor = true
	return s
}

// warmUp is how long a side runs before the first round, as a part of a round.
const warmUp = 3

// rounds measures the sides against each other.
func (s *Setting) rounds(ctx context.Context, sides ...*side) error {
	if s.ProductOnly {
		var products []*side
		for _, sd := range sides {
			if !sd.floor {
				products = append(products, sd)
			}
		}
		sides = products
	}
	for round := range s.Rounds + 1 {
		d := s.Round
		if round == 0 {
			d /= warmUp
		}
		for i := range sides {
			sd := sides[(i+round)%len(sides)]
			if err := s.one(ctx, sd, round, d); err != nil {
				return fmt.Errorf("%s: %w", sd.name, err)
			}
		}
	}
	return nil
}

// one lets a side run once. Round 0 is not counted.
func (s *Setting) one(ctx context.Context, sd *side, round int, d time.Duration) error {
	if sd.prepare != nil {
		if err := sd.prepare(ctx); err != nil {
			return fmt.Errorf("preparing: %w", err)
		}
	}
	before, err := s.usage()
	if err != nil {
		return err
	}
	stop, err := s.profile(round)
	if err != nil {
		return err
	}
	sample, err := sd.run(ctx, d)
	if err := errors.Join(err, stop()); err != nil {
		return err
	}
	after, err := s.usage()
	if err != nil {
		return err
	}
	if round > 0 {
		sd.samples = append(sd.samples, sample)
		sd.used = sd.used.Plus(after.Minus(before)).PlusCalls(sample.Calls)
		s.Say("  round %d  %-44s %9.1f/s   median %8.2f ms", round, sd.name, sample.Rate(), milliseconds(sample))
	}
	return nil
}

func (s *Setting) profile(round int) (stop func() error, err error) {
	if s.Profile == nil || round == 0 {
		return func() error { return nil }, nil
	}
	return s.Profile()
}

// usage is the processor time that everybody has used so far.
func (s *Setting) usage() (u result.Usage, err error) {
	for _, of := range []struct {
		pid int
		to  *time.Duration
	}{
		{os.Getpid(), &u.Bench}, {s.Product.Pid, &u.Product}, {s.Site.Vault.Pid(), &u.Vault}, {s.Site.Minio.Pid(), &u.Minio},
	} {
		if *of.to, err = proc.ReadTime(of.pid); err != nil {
			return u, err
		}
	}
	return u, nil
}

func milliseconds(s load.Sample) float64 { return s.Median.Seconds() * 1000 }

// rate makes a row of calls a second out of a floor and the product beside it.
func (s *Setting) rate(what, calls string, b result.Bound, floor, product *side) result.Row {
	return s.row(result.Row{What: what, Calls: calls, Unit: "/s", Bound: b}, floor, product, load.Sample.Rate)
}

// latency makes a row of milliseconds likewise.
func (s *Setting) latency(what, calls string, b result.Bound, floor, product *side) result.Row {
	return s.row(result.Row{What: what, Calls: calls, Unit: "ms", Bound: b}, floor, product, milliseconds)
}

func (s *Setting) row(r result.Row, floor, product *side, value func(load.Sample) float64) result.Row {
	for _, sample := range floor.samples {
		r.Floors = append(r.Floors, value(sample))
	}
	for _, sample := range product.samples {
		r.Products = append(r.Products, value(sample))
	}
	r.FloorUse, r.ProductUse = floor.used, product.used
	return r
}
