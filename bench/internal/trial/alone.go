package trial

import (
	"context"

	"github.com/wertfach/wertfach/bench/internal/result"
)

// alone is P3: registering and listing by a single caller.
func alone(ctx context.Context, s *Setting) ([]result.Row, error) {
	expected := s.expected(300)
	plain := registered("register: plain, one at a time", 1, s.people("p3"), plainBike, expected)
	dossiers, err := s.stockAfter(ctx, "p3", plain)
	if err != nil {
		return nil, err
	}
	// In another institute, so that the sizes of the two sorts of dossiers are told
	// apart.
	customers, err := s.furnished(ctx, "p3-full", s.owners())
	if err != nil {
		return nil, err
	}
	full, err := s.stock(ctx, "p3-full")
	if err != nil {
		return nil, err
	}
	leastRegister := baseline("floor: decrypt + PUT, one at a time", 1, dossiers.register)
	leastList := baseline("floor: GET + decrypt, one at a time", 1, full.list)
	listed := looped("list: 10 artefacts, one at a time", 1, s.listing(customers))
	if err := s.rounds(ctx, leastRegister, plain, leastList, listed); err != nil {
		return nil, err
	}
	return []result.Row{
		s.latency("register, plain, one at a time", "decrypt + PUT", result.Bound{AtMost: 1.25}, leastRegister, plain),
		s.latency("list 10 artefacts, one at a time", "GET + decrypt", result.Bound{AtMost: 1.5}, leastList, listed),
	}, nil
}
