package trial

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/wertfach/wertfach/bench/internal/product"
	"github.com/wertfach/wertfach/bench/internal/result"
)

// begin is P9.
func begin(ctx context.Context, s *Setting) ([]result.Row, error) {
	customers, err := s.furnished(ctx, "p9", 1)
	if err != nil {
		return nil, err
	}
	starts := func(what string, most float64, start func(dir string) (*product.Product, error)) (result.Row, error) {
		row := result.Row{What: what, Unit: "s", Bound: result.Bound{AtMost: most}}
		for round := range s.Rounds {
			p, err := start(filepath.Join(s.Dir, fmt.Sprintf("p9-%.3s-%d", what, round)))
			if err != nil {
				return row, err
			}
			s.Say("  round %d  %-44s %9.3f s", round+1, what, p.Started.Seconds())
			row.Products = append(row.Products, p.Started.Seconds())
			if err := p.Stop(); err != nil {
				return row, err
			}
		}
		return row, nil
	}
	dev, err := starts("dev, to its first answer", 0.5, func(dir string) (*product.Product, error) {
		return product.Dev(ctx, s.Binary, dir)
	})
	if err != nil {
		return nil, err
	}
	serve, err := starts("serve, to its first answer", 1, func(dir string) (*product.Product, error) {
		return product.Serve(ctx, s.Binary, dir, s.Site, customers[0])
	})
	return []result.Row{dev, serve}, err
}
