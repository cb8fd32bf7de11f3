package custody

import (
	"context"
	"io"
	"sync"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/internal/custodytest"
)

// interrupted is a store in which something happens, once, while an object is
// being read.
type interrupted struct {
	blobstore.Driver
	name string
	once sync.Once
	do   func()
}

func (s *interrupted) Open(ctx context.Context, name string) (io.ReadCloser, blobstore.Info, error) {
	body, info, err := s.Driver.Open(ctx, name)
	if err != nil || name != s.name {
		return body, info, err
	}
	return &interruptedBody{ReadCloser: body, s: s}, info, nil
}

type interruptedBody struct {
	io.ReadCloser
	s     *interrupted
	reads int
}

func (b *interruptedBody) Read(p []byte) (int, error) {
	if b.reads++; b.reads == 2 {
		b.s.once.Do(b.s.do)
	}
	return b.ReadCloser.Read(p[:min(len(p), 1000)])
}

// TestLargeDossierReplacedWhileItIsRead has a dossier that a store may keep in
// several blocks. Reading one that is replaced meanwhile is begun anew, and nobody
// hears of it.
func TestLargeDossierReplacedWhileItIsRead(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f, s := t.Context(), w.fixture(t.Context(), t), custodytest.NewSpecimens(90)
		var drafts []Draft
		for range 200 {
			drafts = append(drafts, Draft{Kind: "bike", Values: s.Artefact("bike")})
		}
		if _, err := w.server(t).Register(ctx, f.customer, drafts, Request{}); err != nil {
			t.Fatal(err)
		}
		dossier := w.secret.key.place(f.customer).dossier()
		if size := len(w.object(t, dossier)); size < 80<<10 {
			t.Fatalf("the dossier has only %d bytes", size)
		}
		rename := Update{Values: field.Values{"given_name": "Ada"}, Paths: []string{"given_name"}}
		interruptedServer := func() *Custodian {
			store := &interrupted{Driver: w.blobs, name: dossier, do: func() {
				if _, err := w.server(t).UpdateCustomer(ctx, f.customer, rename); err != nil {
					t.Error(err)
				}
			}}
			return w.server(t, func(cfg *Config) { cfg.Store = blobstore.New(store) })
		}
		if list, _, err := interruptedServer().Artefacts(ctx, f.customer, Page{Size: 500}); err != nil || len(list) != 203 {
			t.Errorf("listing: %v, %d artefacts", err, len(list))
		}
		if err := interruptedServer().DeleteArtefact(ctx, f.bike, "", Request{}); err != nil {
			t.Errorf("changing: %v", err)
		}
		if _, err := erase(ctx, interruptedServer(), f.customer, "asked for it", "", Request{}); err != nil {
			t.Errorf("erasing: %v", err)
		}
		w.mustBeWhole(ctx, t)
	})
}
