package trial

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/wertfach/wertfach/bench/internal/floor"
	"github.com/wertfach/wertfach/bench/internal/load"
)

// stock is what the floors work on where the product works on customers: keys,
// each with a data key wrapped under it and an object as large as a dossier.
type stock struct {
	floor   *floor.Floor
	name    string
	size    int64
	wrapped []string
	content []byte
}

// stocked makes n keys with their objects.
func stocked(ctx context.Context, f *floor.Floor, name string, n int, size int64) (*stock, error) {
	s := &stock{floor: f, name: name, size: size, wrapped: make([]string, n), content: noise(size)}
	_, err := load.Each(ctx, workers, n, func(ctx context.Context, i int) (err error) {
		if s.wrapped[i], err = f.CreateKey(ctx, s.key(i)); err != nil {
			return err
		}
		return f.Put(ctx, s.object(i), s.content)
	})
	return s, err
}

func (s *stock) key(i int) string    { return fmt.Sprintf("floor-%s-%06d", s.name, i) }
func (s *stock) object(i int) string { return fmt.Sprintf("%s/dossiers/%06d", s.name, i) }

// at spreads the workers' calls over the stock, so that no two workers ever
// meet: the number of keys is a multiple of the workers'.
func (s *stock) at(worker, n int) int { return (worker + n*workers) % len(s.wrapped) }

// decrypt is one key call.
func (s *stock) decrypt(ctx context.Context, i int) error {
	return s.floor.Decrypt(ctx, s.key(i), s.wrapped[i])
}

// put is one write of a dossier.
func (s *stock) put(ctx context.Context, i int) error {
	return s.floor.Put(ctx, s.object(i), s.content)
}

// register is the least that registering needs.
func (s *stock) register(ctx context.Context, worker, n int) error {
	i := s.at(worker, n)
	if err := s.decrypt(ctx, i); err != nil {
		return err
	}
	return s.put(ctx, i)
}

// list is the least that listing needs. It reads into a buffer of its own for
// each call, as whoever opens a dossier must.
func (s *stock) list(ctx context.Context, worker, n int) error {
	i := s.at(worker, n)
	if _, err := s.floor.Get(ctx, s.object(i), make([]byte, s.size)); err != nil {
		return err
	}
	return s.decrypt(ctx, i)
}

// noise is content that does not compress, as sealed objects don't.
func noise(size int64) []byte {
	b := make([]byte, size)
	_, _ = rand.Read(b) // never fails
	return b
}
