package trial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/wertfach/wertfach/bench/internal/load"
	"github.com/wertfach/wertfach/bench/internal/proc"
	"github.com/wertfach/wertfach/bench/internal/product"
	"github.com/wertfach/wertfach/bench/internal/result"
	"github.com/wertfach/wertfach/client"
)

const (
	// senders is how many clients upload at once, each on a connection of its own.
	senders = 64
	// largest is the largest scan that the server takes by default, in bytes.
	largest = 50 << 20
)

// memory is P8. It has a server of its own, which does nothing else.
func memory(ctx context.Context, s *Setting) (rows []result.Row, err error) {
	p, err := product.Serve(ctx, s.Binary, filepath.Join(s.Dir, "p8"), s.Site, "institutes/p8/customers/none")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	row := func(what string, bytes int64, most float64) {
		mib := float64(bytes) / (1 << 20)
		s.Say("  %-44s %9.1f MiB", what, mib)
		rows = append(rows, result.Row{What: what, Unit: "MiB", Bound: result.Bound{AtMost: most}, Products: []float64{mib}})
	}
	const idle, busy = 40, 120

	m, err := proc.ReadMemory(p.Pid)
	if err != nil {
		return nil, err
	}
	row("memory, idle after start", m.Resident, idle)

	people := &people{client: p.Client, institute: "p8"}
	if err := s.warm(ctx, people); err != nil {
		return nil, err
	}
	if m, err = s.settled(ctx, p.Pid); err != nil {
		return nil, err
	}
	row("memory, idle after a load", m.Resident, idle)

	if err := s.flood(ctx, p, people); err != nil {
		return nil, err
	}
	if m, err = proc.ReadMemory(p.Pid); err != nil {
		return nil, err
	}
	row(fmt.Sprintf("memory, %d clients upload %d MiB each", senders, s.largest()>>20), m.Peak, busy)
	return rows, nil
}

func (s *Setting) largest() int64 {
	if s.Quick {
		return 10 << 20
	}
	return largest
}

// warm registers and lists, 32 at once, for two rounds.
func (s *Setting) warm(ctx context.Context, p *people) error {
	r := &registering{people: p, artefact: card, expected: s.expected(1000)}
	if err := r.prepare(ctx); err != nil {
		return err
	}
	if _, err := load.For(ctx, workers, s.Round, r.call); err != nil {
		return err
	}
	own := *s
	own.Product = &product.Product{Client: p.client}
	customers, err := own.furnished(ctx, p.institute+"-full", workers)
	if err != nil {
		return err
	}
	_, err = load.For(ctx, workers, s.Round, own.listing(customers))
	return err
}

// settled is the memory of a process that has had nothing to do for a while.
func (s *Setting) settled(ctx context.Context, pid int) (proc.Memory, error) {
	quiet := 10 * time.Second
	if s.Quick {
		quiet = time.Second
	}
	select {
	case <-ctx.Done():
		return proc.Memory{}, ctx.Err()
	case <-time.After(quiet):
		return proc.ReadMemory(pid)
	}
}

// flood uploads a scan by every client at once.
func (s *Setting) flood(ctx context.Context, p *product.Product, people *people) error {
	documents, err := binder(ctx, people, senders)
	if err != nil {
		return err
	}
	clients := make([]*client.Client, senders)
	for i := range clients {
		if clients[i], err = p.Dial(); err != nil {
			return err
		}
		defer clients[i].Close()
	}
	content := photograph(s.largest())
	_, err = load.Each(ctx, senders, senders, func(ctx context.Context, i int) error {
		_, err := clients[i].UploadScan(ctx, documents[i], bytes.NewReader(content), int64(len(content)))
		return err
	})
	return err
}
