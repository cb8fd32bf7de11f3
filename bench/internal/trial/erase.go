package trial

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wertfach/wertfach/bench/internal/load"
	"github.com/wertfach/wertfach/bench/internal/result"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

const (
	// possessions is how many artefacts, with one scan each, a customer has who
	// is erased.
	possessions = 20
	// pageSize is the size of such a scan, in bytes.
	pageSize = 16 << 10
	// deletes is how many objects the floor deletes at once, as the product does.
	deletes = 8
)

// erasures is how many customers are erased in a round.
func (s *Setting) erasures() int {
	if s.Quick {
		return 2
	}
	return 10
}

// erase is P6.
func erase(ctx context.Context, s *Setting) (rows []result.Row, err error) {
	// A deployed server leaves destroying to the sweep; here it does it all, so
	// that the whole is one call.
	if err := s.Site.LetErase(ctx, true); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Site.LetErase(context.WithoutCancel(ctx), false)) }()
	asks, confirms, err := s.Product.Officers(s.Site)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, asks.Close(), confirms.Close()) }()
	page := photograph(pageSize)
	var leaving []string
	erased := &side{name: "erase: 20 artefacts, 20 scans"}
	p := s.people("p6")
	erased.prepare = func(ctx context.Context) (err error) {
		leaving, err = p.some(ctx, s.erasures(), func(ctx context.Context, _ int, customer string) error {
			if err := own(ctx, p, customer, page); err != nil {
				return err
			}
			_, err := asks.Lifecycle.RequestErasure(ctx, &wertfachv1.RequestErasureRequest{
				Name: customer, Ground: wertfachv1.ErasureRequest_GROUND_CONSENT_WITHDRAWN, Reason: "left the bank",
			})
			return err
		})
		return err
	}
	erased.run = func(ctx context.Context, _ time.Duration) (load.Sample, error) {
		return load.Each(ctx, 1, len(leaving), func(ctx context.Context, i int) error {
			_, err := confirms.Lifecycle.EraseCustomer(ctx, &wertfachv1.EraseCustomerRequest{Name: leaving[i]})
			return err
		})
	}
	least, err := s.leastErasure(ctx, p, page)
	if err != nil {
		return nil, err
	}
	if err := s.rounds(ctx, least, erased); err != nil {
		return nil, err
	}
	return []result.Row{s.latency("erase 20 artefacts and 20 scans",
		"GET + decrypt + PUT + destroy key + 21 DELETE + sign + PUT + DELETE", result.Bound{AtMost: 1.5}, least, erased)}, nil
}

// own gives a customer documents with a scan each.
func own(ctx context.Context, p *people, customer string, page []byte) error {
	req := &wertfachv1.BatchRegisterArtefactsRequest{Parent: customer}
	for i := range possessions {
		req.Artefacts = append(req.Artefacts, document(i))
	}
	all, err := p.client.Artefacts.BatchRegisterArtefacts(ctx, req)
	for _, a := range all.GetArtefacts() {
		if err == nil {
			_, err = upload(ctx, p.client, a.GetName(), page)
		}
	}
	return err
}

// leastErasure is the side of the calls alone: see the dossier, write down what
// is going to happen, destroy the key, remove what it sealed, sign a receipt and
// write it, and strike out what was written down.
func (s *Setting) leastErasure(ctx context.Context, p *people, page []byte) (*side, error) {
	customer, err := p.one(ctx)
	if err != nil {
		return nil, err
	}
	if err := own(ctx, p, customer, page); err != nil {
		return nil, err
	}
	size, err := s.Floor.Size(ctx, p.institute+"/dossiers/")
	if err != nil {
		return nil, err
	}
	scan := func(key string, i int) string { return fmt.Sprintf("p6/scans/%s/%d", key, i) }
	var rounds atomic.Int64
	var keys *stock
	sd := &side{name: "floor: erase, the calls alone", floor: true}
	sd.prepare = func(ctx context.Context) (err error) {
		name := fmt.Sprintf("p6-%d", rounds.Add(1))
		if keys, err = stocked(ctx, s.Floor, name, s.erasures(), size); err != nil {
			return err
		}
		_, err = load.Each(ctx, workers, s.erasures()*possessions, func(ctx context.Context, i int) error {
			return s.Floor.Put(ctx, scan(keys.key(i/possessions), i%possessions), page)
		})
		return err
	}
	note, receipt := noise(2<<10), noise(1<<10) // an intent lists the objects by name
	sd.run = func(ctx context.Context, _ time.Duration) (load.Sample, error) {
		return load.Each(ctx, 1, s.erasures(), func(ctx context.Context, i int) error {
			key := keys.key(i)
			if err := keys.list(ctx, i, 0); err != nil {
				return err
			}
			if err := s.Floor.Put(ctx, "p6/erasing/"+key, note); err != nil {
				return err
			}
			if err := s.Floor.DestroyKey(ctx, key); err != nil {
				return err
			}
			group, gone := errgroup.WithContext(ctx)
			group.SetLimit(deletes)
			for n := range possessions {
				group.Go(func() error { return s.Floor.Delete(gone, scan(key, n)) })
			}
			group.Go(func() error { return s.Floor.Delete(gone, keys.object(i)) })
			if err := group.Wait(); err != nil {
				return err
			}
			if err := s.Floor.Sign(ctx, receipt); err != nil {
				return err
			}
			if err := s.Floor.Put(ctx, "p6/receipts/"+key, receipt); err != nil {
				return err
			}
			return s.Floor.Delete(ctx, "p6/erasing/"+key)
		})
	}
	return sd, nil
}
