package trial

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/wertfach/wertfach/bench/internal/load"
	"github.com/wertfach/wertfach/bench/internal/result"
	"github.com/wertfach/wertfach/client"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

const (
	// movers is how many scans are under way at once.
	movers = 4
	// binders is how many documents, each of another customer, scans are added to
	// in turn.
	binders = 16 * movers
	// fetched is how many scans are downloaded in turn.
	fetched = 4 * movers
)

// scanSize is the size of a large photograph, in bytes.
func (s *Setting) scanSize() int64 {
	if s.Quick {
		return 1 << 20
	}
	return 10 << 20
}

// photograph is content of that size that begins as a JPEG file does, and does
// not compress, as photographs don't.
func photograph(size int64) []byte {
	content := noise(size)
	copy(content, "\xff\xd8\xff\xe0\x00\x10JFIF\x00")
	return content
}

// binder enrols customers with a document each and gives the documents' names.
func binder(ctx context.Context, p *people, n int) ([]string, error) {
	documents := make([]string, n)
	_, err := p.some(ctx, n, func(ctx context.Context, i int, customer string) error {
		a, err := p.client.Artefacts.RegisterArtefact(ctx, &wertfachv1.RegisterArtefactRequest{Parent: customer, Artefact: document(i)})
		documents[i] = a.GetName()
		return err
	})
	return documents, err
}

// upload adds a scan and gives its name.
func upload(ctx context.Context, c *client.Client, document string, content []byte) (string, error) {
	scan, err := c.UploadScan(ctx, document, bytes.NewReader(content), int64(len(content)))
	return scan.GetName(), err
}

// uploading is a side that adds scans. Those of one round are removed before the
// next, so that documents stay below the number of scans that they may have, and
// disks do not fill.
type uploading struct {
	client    *client.Client
	documents []string
	content   []byte

	mu   sync.Mutex
	made []string
}

func (u *uploading) call(ctx context.Context, worker, n int) error {
	name, err := upload(ctx, u.client, u.documents[(worker+n*movers)%len(u.documents)], u.content)
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.made = append(u.made, name)
	return nil
}

func (u *uploading) clear(ctx context.Context) error {
	made := u.made
	u.made = nil
	// By one caller: two scans may be of the same customer.
	_, err := load.Each(ctx, 1, len(made), func(ctx context.Context, i int) error {
		_, err := u.client.Artefacts.DeleteScan(ctx, &wertfachv1.DeleteScanRequest{Name: made[i]})
		return err
	})
	return err
}

// scans is P4.
func scans(ctx context.Context, s *Setting) ([]result.Row, error) {
	documents, err := binder(ctx, s.people("p4"), binders)
	if err != nil {
		return nil, err
	}
	up := &uploading{client: s.Product.Client, documents: documents, content: photograph(s.scanSize())}
	size := fmt.Sprintf("%d MiB, %d at once", s.scanSize()>>20, movers)
	sent := looped("upload: "+size, movers, up.call)
	sent.prepare = up.clear

	var puts atomic.Int64
	object := func(n int64) string { return fmt.Sprintf("p4/put/%09d", n) }
	leastSent := baseline("floor: PUT "+size, movers, func(ctx context.Context, _, _ int) error {
		return s.Floor.Put(ctx, object(puts.Add(1)), up.content)
	})
	leastSent.prepare = func(ctx context.Context) error {
		_, err := load.Each(ctx, movers, int(puts.Swap(0)), func(ctx context.Context, i int) error {
			return s.Floor.Delete(ctx, object(int64(i+1)))
		})
		return err
	}
	taken, leastTaken, err := s.downloads(ctx, size, documents, up.content)
	if err != nil {
		return nil, err
	}
	if err := s.rounds(ctx, leastSent, sent, leastTaken, taken); err != nil {
		return nil, err
	}
	if err := up.clear(ctx); err != nil {
		return nil, err
	}
	if err := leastSent.prepare(ctx); err != nil {
		return nil, err
	}
	return []result.Row{
		s.rate("upload a scan of "+size, "PUT", result.Bound{AtLeast: 0.80}, leastSent, sent),
		s.rate("download a scan of "+size, "GET", result.Bound{AtLeast: 0.50}, leastTaken, taken),
	}, nil
}

// downloads makes scans and objects of the same content, and the sides that
// fetch them.
func (s *Setting) downloads(ctx context.Context, size string, documents []string, content []byte) (taken, least *side, err error) {
	names := make([]string, fetched)
	object := func(worker, n int) int { return (worker + n*movers) % fetched }
	_, err = load.Each(ctx, movers, fetched, func(ctx context.Context, i int) (err error) {
		if names[i], err = upload(ctx, s.Product.Client, documents[i], content); err != nil {
			return err
		}
		return s.Floor.Put(ctx, fmt.Sprintf("p4/get/%d", i), content)
	})
	taken = looped("download: "+size, movers, func(ctx context.Context, worker, n int) error {
		_, err := s.Product.Client.DownloadScan(ctx, names[object(worker, n)], io.Discard) // which compares the SHA-256
		return err
	})
	const window = 64 << 10
	buffers := [movers][window]byte{}
	least = baseline("floor: GET "+size, movers, func(ctx context.Context, worker, n int) error {
		return s.Floor.Drain(ctx, fmt.Sprintf("p4/get/%d", object(worker, n)), int64(len(content)), buffers[worker][:])
	})
	return taken, least, err
}
