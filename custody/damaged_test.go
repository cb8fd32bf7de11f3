package custody

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/seal"
	"github.com/wertfach/wertfach/vault"
)

// TestErasingADamagedDossier: who asks for an erasure gets it although the
// dossier does not open, and not with another key or none destroyed.
func TestErasingADamagedDossier(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		store := blobstore.New(w.blobs)
		for _, damage := range []string{"content", "key name", "all", "lost"} {
			f := w.fixture(ctx, t)
			p := w.secret.key.place(f.customer)
			dossier := w.object(t, p.dossier())
			header, err := seal.ParseHeader(dossier)
			if err != nil {
				t.Fatal(err)
			}
			switch damage {
			case "content":
				dossier[len(dossier)-1] ^= 1
			case "key name":
				dossier[keyNameEnd(dossier)-1] ^= 1
			case "all":
				dossier = []byte("rubbish")
			}
			if damage == "lost" {
				err = store.Delete(ctx, p.dossier())
			} else {
				_, err = store.Put(ctx, p.dossier(), dossier, blobstore.Condition{})
			}
			if err != nil {
				t.Fatal(err)
			}
			out, err := erase(ctx, c, f.customer, "asked for it", "", Request{})
			if err != nil {
				t.Errorf("%s: %v", damage, err)
				continue
			}
			if out.Statement.KeyName != header.KeyName {
				t.Errorf("%s: the receipt names another key", damage)
			}
			if _, err := c.keys.Info(ctx, header.KeyName); !errors.Is(err, vault.ErrNotFound) {
				t.Errorf("%s: the key is there: %v", damage, err)
			}
			for info, err := range store.List(ctx, "") {
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(info.Name, p.pseudonym) && !strings.HasPrefix(info.Name, p.receipts()) {
					t.Errorf("%s: left %s", damage, info.Name)
				}
			}
		}
	})
}

// TestForgedIntent: who can only write the store can't have a key destroyed.
func TestForgedIntent(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		store := blobstore.New(w.blobs)
		f := w.fixture(ctx, t)
		p := w.secret.key.place(f.customer)
		header, err := seal.ParseHeader(w.object(t, p.dossier()))
		if err != nil {
			t.Fatal(err)
		}
		claim, err := json.Marshal(&intent{Receipt: p.receiptID(header.KeyName), KeyName: header.KeyName, Listed: true})
		if err != nil {
			t.Fatal(err)
		}
		other := place{p.institute, strings.Repeat("0", 32)}
		for name, content := range map[string][]byte{
			p.intent():     fmt.Appendf(nil, `{"intent":%s,"mac":""}`, claim),
			other.intent(): fmt.Appendf(nil, `{"intent":%s,"mac":"AAAA"}`, claim),
		} {
			if _, err := store.Put(ctx, name, content, blobstore.Condition{}); err != nil {
				t.Fatal(err)
			}
		}
		report, err := c.Sweep(ctx, SweepOptions{})
		if err != nil || report.Failures != 2 || report.Resumed != 0 {
			t.Errorf("swept %+v, %v", report, err)
		}
		if _, err := c.Customer(ctx, f.customer); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}
