package trial

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/wertfach/wertfach/bench/internal/result"
)

// enrol is P5.
func enrol(ctx context.Context, s *Setting) ([]result.Row, error) {
	plain := s.people("p5")
	enrolled := looped("enrol", workers, func(ctx context.Context, _, _ int) error {
		_, err := plain.one(ctx)
		return err
	})
	locked := s.people("p5-password")
	locked.password = "Blaue Donau"
	callers := workers
	if s.Quick {
		callers = 4 // hashing is slow, and slower still where it is looked at for races
	}
	hashed := looped("enrol: with a telephone password", callers, func(ctx context.Context, _, _ int) error {
		_, err := locked.one(ctx)
		return err
	})
	if _, err := plain.one(ctx); err != nil {
		return nil, err
	}
	size, err := s.Floor.Size(ctx, plain.institute+"/dossiers/")
	if err != nil {
		return nil, err
	}
	content := noise(size)
	var made atomic.Int64
	create := func(ctx context.Context, key string) error {
		if _, err := s.Floor.CreateKey(ctx, key); err != nil {
			return err
		}
		return s.Floor.Put(ctx, "p5/dossiers/"+key, content)
	}
	least := baseline("floor: create key + PUT", workers, func(ctx context.Context, _, _ int) error {
		return create(ctx, fmt.Sprintf("floor-p5-%09d", made.Add(1)))
	})
	leastHashed := baseline("floor: create key + data key + PUT", callers, func(ctx context.Context, _, _ int) error {
		key := fmt.Sprintf("floor-p5-%09d", made.Add(1))
		if err := create(ctx, key); err != nil {
			return err
		}
		return s.Floor.NewDataKey(ctx, key)
	})
	if err := s.rounds(ctx, least, enrolled, leastHashed, hashed); err != nil {
		return nil, err
	}
	return []result.Row{
		s.rate("enrol a customer", "create key + PUT", result.Bound{AtLeast: 0.90}, least, enrolled),
		s.rate("… with a telephone password", "create key + data key + PUT", result.Bound{}, leastHashed, hashed),
	}, nil
}
