package trial

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/wertfach/wertfach/bench/internal/load"
	"github.com/wertfach/wertfach/bench/internal/result"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// stockSize is how many keys and objects the floors work on; so many customers
// are about in use in a round of P1.
func (s *Setting) stockSize() int {
	if s.Quick {
		return 2 * workers
	}
	return 32 * workers
}

// perCustomer is about how many artefacts a customer gets in a round.
const perCustomer = 4

// expected is how many calls a round may hold at so many a second.
func (s *Setting) expected(perSecond float64) int { return int(perSecond * s.Round.Seconds()) }

// registering is a side that registers artefacts. Each round has customers of
// its own, who are enrolled before its clock begins, so that dossiers stay small
// and are in the server's cache, as after any earlier call of the same session.
type registering struct {
	people    *people
	artefact  func(n int) *wertfachv1.Artefact
	number    atomic.Int64
	customers []string
	expected  int // calls in a round, about
}

func registered(name string, callers int, p *people, artefact func(int) *wertfachv1.Artefact, expected int) *side {
	r := &registering{people: p, artefact: artefact, expected: expected}
	return &side{name: name, prepare: r.prepare, run: func(ctx context.Context, d time.Duration) (load.Sample, error) {
		return load.For(ctx, callers, d, r.call)
	}}
}

func (r *registering) prepare(ctx context.Context) (err error) {
	n := (r.expected/perCustomer/workers + 2) * workers // a multiple of the workers
	r.customers, err = r.people.some(ctx, n, nil)
	return err
}

// call registers one artefact. The number of customers is a multiple of the
// workers', so that two workers never meet at one dossier.
func (r *registering) call(ctx context.Context, worker, n int) error {
	_, err := r.people.client.Artefacts.RegisterArtefact(ctx, &wertfachv1.RegisterArtefactRequest{
		Parent:   r.customers[(worker+n*workers)%len(r.customers)],
		Artefact: r.artefact(int(r.number.Add(1))),
	})
	return err
}

// register is P1.
func register(ctx context.Context, s *Setting) ([]result.Row, error) {
	expected := s.expected(1000)
	customers := s.people("p1")
	plain := registered("register: plain", workers, customers, plainBike, expected)
	secret := registered("register: payment card", workers, customers, card, expected)
	numbered := registered("register: bike with frame number", workers, customers, numberedBike, expected)
	keys, err := s.stockAfter(ctx, "p1", plain)
	if err != nil {
		return nil, err
	}
	least := baseline("floor: decrypt + PUT", workers, keys.register)
	leastSecret := baseline("floor: decrypt + data key + PUT", workers, func(ctx context.Context, worker, n int) error {
		if err := s.Floor.NewDataKey(ctx, keys.key(keys.at(worker, n))); err != nil {
			return err
		}
		return keys.register(ctx, worker, n)
	})
	var pointers atomic.Int64
	leastNumbered := baseline("floor: decrypt + PUT pointer + PUT", workers, func(ctx context.Context, worker, n int) error {
		if err := s.Floor.Put(ctx, fmt.Sprintf("p1/index/%09d", pointers.Add(1)), nil); err != nil {
			return err
		}
		return keys.register(ctx, worker, n)
	})
	if err := s.rounds(ctx, least, plain, leastSecret, secret, leastNumbered, numbered); err != nil {
		return nil, err
	}
	asked := result.Bound{AtLeast: 0.90}
	return []result.Row{
		s.rate("register, plain", "decrypt + PUT", asked, least, plain),
		s.rate("register, with a secret", "decrypt + PUT", asked, least, secret),
		s.rate("… beside its own least calls", "decrypt + data key + PUT", result.Bound{}, leastSecret, secret),
		s.rate("register, with a look-up number", "decrypt + PUT", asked, least, numbered),
		s.rate("… beside its own least calls", "decrypt + 2 PUT", result.Bound{}, leastNumbered, numbered),
	}, nil
}

// stockAfter makes a stock whose objects are as large as the dossiers of the
// institute of that name after a short run of the side.
func (s *Setting) stockAfter(ctx context.Context, name string, sd *side) (*stock, error) {
	if err := sd.prepare(ctx); err != nil {
		return nil, err
	}
	if _, err := sd.run(ctx, s.Round/warmUp); err != nil {
		return nil, err
	}
	return s.stock(ctx, name)
}

// stock makes a stock whose objects are as large as a dossier of the institute
// of that name.
func (s *Setting) stock(ctx context.Context, name string) (*stock, error) {
	size, err := s.Floor.Size(ctx, name+"/dossiers/")
	if err != nil {
		return nil, err
	}
	return stocked(ctx, s.Floor, name, s.stockSize(), size)
}
