package trial

import (
	"context"
	"errors"

	"github.com/wertfach/wertfach/bench/internal/load"
	"github.com/wertfach/wertfach/bench/internal/result"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// owners is how many customers with ten artefacts are listed in turn.
func (s *Setting) owners() int {
	if s.Quick {
		return workers
	}
	return 10 * workers
}

// furnished enrols customers with ten artefacts each.
func (s *Setting) furnished(ctx context.Context, institute string, n int) ([]string, error) {
	p := s.people(institute)
	return p.some(ctx, n, func(ctx context.Context, i int, customer string) error {
		_, err := p.client.Artefacts.BatchRegisterArtefacts(ctx, &wertfachv1.BatchRegisterArtefactsRequest{
			Parent: customer, Artefacts: household(i),
		})
		return err
	})
}

// listing lists those customers in turn.
func (s *Setting) listing(customers []string) load.Call {
	return func(ctx context.Context, worker, n int) error {
		all, err := s.Product.Client.Artefacts.ListArtefacts(ctx, &wertfachv1.ListArtefactsRequest{
			Parent: customers[(worker+n*workers)%len(customers)],
		})
		if err == nil && len(all.GetArtefacts()) != len(household(0)) {
			err = errors.New("the list is not whole")
		}
		return err
	}
}

// list is P2.
func list(ctx context.Context, s *Setting) ([]result.Row, error) {
	customers, err := s.furnished(ctx, "p2", s.owners())
	if err != nil {
		return nil, err
	}
	keys, err := s.stock(ctx, "p2")
	if err != nil {
		return nil, err
	}
	least := baseline("floor: GET + decrypt", workers, keys.list)
	listed := looped("list: 10 artefacts", workers, s.listing(customers))
	if err := s.rounds(ctx, least, listed); err != nil {
		return nil, err
	}
	return []result.Row{s.rate("list 10 artefacts", "GET + decrypt", result.Bound{AtLeast: 0.90}, least, listed)}, nil
}
