// Package blobstoretest holds the tests that every blobstore driver passes.
//
// A driver's own tests call [Run] with a function that opens an empty store. The
// cases use a [blobstore.Store] in front of it, as the product does; what only
// one driver can do, such as losing its server, is tested beside that driver.
// Nothing here sleeps or expects a speed.
package blobstoretest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
)

// Run runs all cases, in parallel, each on a store of its own. The function
// opens a driver on empty storage; Run prepares it and closes it.
func Run(t *testing.T, open func(t *testing.T) blobstore.Driver) {
	groups := []struct {
		name  string
		cases []testCase
	}{
		{"Object", objectCases},
		{"Name", nameCases},
		{"Condition", conditionCases},
		{"Stream", streamCases},
		{"Hostile", hostileCases},
		{"Atomic", atomicCases},
		{"List", listCases},
		{"Context", contextCases},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range g.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					s := blobstore.New(open(t))
					t.Cleanup(func() {
						if err := s.Close(); err != nil {
							t.Error(err)
						}
					})
					if err := s.Prepare(t.Context()); err != nil {
						t.Fatal(err)
					}
					c.run(t, s)
				})
			}
		})
	}
}

type testCase struct {
	name string
	run  func(t *testing.T, s *blobstore.Store)
}

// sizes are those at which something may change: nothing, one byte, around the
// blocks of the embedded driver (32 KiB less 64), its transactions (16 blocks),
// around powers of two, and around minio-go's limit for a single PUT (16 MiB).
var sizes = []int{
	0, 1, 2, 1 << 10, 4095, 4096, 4097,
	32<<10 - 65, 32<<10 - 64, 32<<10 - 63, 32 << 10,
	2*(32<<10-64) - 1, 2 * (32<<10 - 64), 2*(32<<10-64) + 1, 64 << 10, 256 << 10,
	16*(32<<10-64) - 1, 16 * (32<<10 - 64), 16*(32<<10-64) + 1,
	32*(32<<10-64) - 1, 32 * (32<<10 - 64), 32*(32<<10-64) + 1, 1<<20 + 1,
}

// content is n bytes that look random and are the same for the same seed.
func content(seed, n int) []byte {
	b := make([]byte, n)
	_, _ = io.ReadFull(stream(seed, n), b)
	return b
}

// stream is content without holding it in memory.
func stream(seed, n int) io.Reader {
	return io.LimitReader(rand.NewChaCha8(sha256.Sum256([]byte{byte(seed), byte(seed >> 8)})), int64(n))
}

func put(t *testing.T, s *blobstore.Store, name string, data []byte) blobstore.Info {
	t.Helper()
	info, err := s.Put(t.Context(), name, data, blobstore.Condition{})
	if err != nil {
		t.Fatalf("Put: %v", err)
	}
	return info
}

// holds fails the test unless the object has that content, by Get and by Open.
func holds(t *testing.T, s *blobstore.Store, name string, want []byte) {
	t.Helper()
	if int64(len(want)) <= 8<<20 {
		got, _, err := s.Get(t.Context(), name)
		if err != nil {
			t.Fatalf("Get: %v", err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("Get: %d bytes that are not the %d that were put", len(got), len(want))
		}
	}
	got, err := readAll(t.Context(), s, name)
	if err != nil {
		t.Fatalf("Open and read: %v", err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("Open: %d bytes that are not the %d that were put", len(got), len(want))
	}
}

func readAll(ctx context.Context, s *blobstore.Store, name string) ([]byte, error) {
	r, _, err := s.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// holdsNothing fails the test unless the store is empty and name is not found.
func holdsNothing(t *testing.T, s *blobstore.Store, name string) {
	t.Helper()
	wantErr(t, "Stat", second(s.Stat(t.Context(), name)), blobstore.ErrNotFound)
	if names := list(t, s, ""); len(names) > 0 {
		t.Fatalf("the store should be empty and holds %d objects", len(names))
	}
}

// list is the names of all objects with the prefix.
func list(t *testing.T, s *blobstore.Store, prefix string) []string {
	t.Helper()
	var names []string
	for info, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatalf("List: %v", err)
		}
		names = append(names, info.Name)
	}
	return names
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%s: error %v, want %v", what, err, want)
	}
}

// second is the error of a call with two results.
func second[T any](_ T, err error) error { return err }

// third is the error of a call with three results.
func third[T, U any](_ T, _ U, err error) error { return err }
