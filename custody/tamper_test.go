package custody

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/seal"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/vault"
)

// forged is a store in which some objects have another content, and which writes
// down what is written.
type forged struct {
	blobstore.Driver

	mu      sync.Mutex
	content map[string][]byte
	written []string
}

func (f *forged) Open(ctx context.Context, name string) (io.ReadCloser, blobstore.Info, error) {
	f.mu.Lock()
	content, other := f.content[name]
	f.mu.Unlock()
	if !other {
		return f.Driver.Open(ctx, name)
	}
	return io.NopCloser(bytes.NewReader(content)), blobstore.Info{Name: name, Size: int64(len(content)), ETag: "forged"}, nil
}

func (f *forged) Put(ctx context.Context, name string, body io.Reader, size int64, cond blobstore.Condition) (blobstore.Info, error) {
	f.mu.Lock()
	f.written = append(f.written, "put "+name)
	f.mu.Unlock()
	return f.Driver.Put(ctx, name, body, size, cond)
}

func (f *forged) Delete(ctx context.Context, name string) error {
	f.mu.Lock()
	f.written = append(f.written, "delete "+name)
	f.mu.Unlock()
	return f.Driver.Delete(ctx, name)
}

// forge gives the object another content, and takes back the last one's.
func (f *forged) forge(name string, content []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.content, f.written = map[string][]byte{name: content}, nil
}

// forgery is a world before whose store a forger stands.
type forgery struct {
	*world
	c *Custodian
	f *forged
}

func newForgery(t *testing.T, w *world) forgery {
	t.Helper()
	f := &forged{Driver: w.blobs}
	return forgery{w, w.server(t, func(cfg *Config) { cfg.Store = blobstore.New(f) }), f}
}

func (w *world) object(t testing.TB, name string) []byte {
	t.Helper()
	content, _, err := blobstore.New(w.blobs).Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// forgeries are an object's content, changed: each byte, or on the real servers
// those of the header and some others, with one bit flipped; and cut or longer.
func (w *world) forgeries(content []byte) map[string][]byte {
	stride, dense := 1, len(content)
	if w.deployment.Folder == "" || len(content) > 20_000 {
		stride, dense = len(content)/40+1, 250
	}
	out := map[string][]byte{
		"nothing": {}, "one byte longer": append(bytes.Clone(content), 0), "doubled": append(bytes.Clone(content), content...),
	}
	for i := 0; i < len(content); i++ {
		if i >= dense && i%stride != 0 && i < len(content)-20 {
			continue
		}
		flipped := bytes.Clone(content)
		flipped[i] ^= 1 << (i % 8)
		out[fmt.Sprintf("byte %d flipped", i)] = flipped
		if i%7 == 0 {
			out[fmt.Sprintf("cut to %d", i)] = content[:i]
		}
	}
	return out
}

// TestForgedDossier reads and changes a customer whose dossier was changed, cut,
// or replaced by another object of the store.
func TestForgedDossier(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, g := t.Context(), newForgery(t, w)
		f, stranger := w.fixture(ctx, t), w.fixture(ctx, t)
		p, other := w.secret.key.place(f.customer), w.secret.key.place(stranger.customer)
		dossier := w.object(t, p.dossier())
		before := w.state(ctx, t, f)
		forgeries := w.forgeries(dossier)
		forgeries["another customer's"] = w.object(t, other.dossier())
		forgeries["a scan"] = w.object(t, p.scan(f.scan.ID))
		forgeries["the index secret"] = w.object(t, indexSecretObject)
		for what, content := range forgeries {
			g.f.forge(p.dossier(), content)
			// A changed name of the key is one of a key that there is not.
			name := bytes.Equal(content[min(len(content), keyNameEnd(dossier)):], dossier[keyNameEnd(dossier):])
			_, err := g.c.Customer(ctx, f.customer)
			if kind := fault.KindOf(err); err == nil || kind != fault.Corrupt && (kind != fault.NotFound || !name) {
				t.Errorf("%s: read: %v", what, err)
			}
			if _, err := g.c.Reveal(ctx, f.sim, nil); err == nil {
				t.Errorf("%s: revealed", what)
			}
			if err := g.c.DeleteArtefact(ctx, f.bike, "", Request{}); err == nil {
				t.Errorf("%s: changed", what)
			}
			if len(g.f.written) > 0 {
				t.Errorf("%s: wrote %q", what, g.f.written)
			}
		}
		if after := w.state(ctx, t, f); after != before {
			t.Errorf("afterwards it is %s", after)
		}
		w.mustBeWhole(ctx, t)
	})
}

// keyNameEnd is where the name of the key ends in a header.
func keyNameEnd(sealed []byte) int { return 5 + int(sealed[4]) }

// TestSweepBesideAForgedDossier has notes and marks of customers whose dossiers
// do not open. What belongs to those must stay.
func TestSweepBesideAForgedDossier(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, g := t.Context(), newForgery(t, w)
		f := w.fixture(ctx, t)
		p := w.secret.key.place(f.customer)
		if _, err := w.server(t).Terminate(ctx, f.customer, today(g.c), "", Request{}); err != nil {
			t.Fatal(err)
		}
		d, err := w.server(t).view(ForRestricted(ctx, "LEGAL_CLAIM"), f.customer)
		if err != nil {
			t.Fatal(err)
		}
		trail := &trail{note: p.pending("broken-off")}
		if err := w.server(t).takeNote(ctx, trail, d.satellites()...); err != nil {
			t.Fatal(err)
		}
		before, dossier := w.names(ctx, t, ""), w.object(t, p.dossier())
		for what, at := range map[string]int{"content": len(dossier) - 1, "name of the key": keyNameEnd(dossier) - 1} {
			flipped := bytes.Clone(dossier)
			flipped[at] ^= 1
			g.f.forge(p.dossier(), flipped)
			if _, err := g.c.Sweep(ctx, SweepOptions{Grace: -1}); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			if len(g.f.written) > 0 || !slices.Equal(w.names(ctx, t, ""), before) {
				t.Errorf("%s: wrote %q", what, g.f.written)
			}
		}
	})
}

func today(c *Custodian) string {
	for _, i := range c.institutes {
		return c.now().In(i.Location).Format("2006-01-02")
	}
	return ""
}

// TestForgedScan reads a scan that was changed, cut or replaced.
func TestForgedScan(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, g := t.Context(), newForgery(t, w)
		f, stranger := w.fixture(ctx, t), w.fixture(ctx, t)
		whole := custodytest.NewSpecimens(50).PDF(200_000)
		scan, err := addPDF(ctx, w.server(t), f.document, whole, Request{})
		if err != nil {
			t.Fatal(err)
		}
		p, other := w.secret.key.place(f.customer), w.secret.key.place(stranger.customer)
		object := p.scan(scan.Name.ID)
		content := w.object(t, object)
		forgeries := w.forgeries(content)
		for _, boundary := range []int{64 << 10, 128 << 10, 192 << 10} { // of segments, about
			for i := boundary - 2; i < boundary+300; i += 50 {
				forgeries[fmt.Sprintf("cut to %d", i)] = content[:min(i, len(content)-1)]
			}
		}
		forgeries["another scan of the artefact"] = w.object(t, p.scan(f.scan.ID))
		forgeries["another customer's"] = w.object(t, other.scan(stranger.scan.ID))
		forgeries["the dossier"] = w.object(t, p.dossier())
		for what, content := range forgeries {
			g.f.forge(object, content)
			got, err := readScan(ctx, g.c, scan.Name)
			if fault.KindOf(err) != fault.Corrupt {
				t.Errorf("%s: %v after %d bytes", what, err, len(got))
			}
			if !bytes.HasPrefix(whole, got) {
				t.Errorf("%s: read something else", what)
			}
		}
		g.f.forge("", nil)
		if got, err := readScan(ctx, g.c, scan.Name); err != nil || !bytes.Equal(got, whole) {
			t.Errorf("unchanged: %v", err)
		}
		if err := blobstore.New(w.blobs).Delete(ctx, object); err != nil {
			t.Fatal(err)
		}
		_, err = readScan(ctx, g.c, scan.Name)
		refusal(t, err, fault.Corrupt, ReasonCorrupt)
	})
}

// TestForgedIndexSecret loads an index secret that was changed, cut or replaced.
func TestForgedIndexSecret(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, f := t.Context(), &forged{Driver: w.blobs}
		forgeries := w.forgeries(w.object(t, indexSecretObject))
		fixed := w.fixture(ctx, t)
		forgeries["a dossier"] = w.object(t, w.secret.key.place(fixed.customer).dossier())
		keys := vault.New(w.keys)
		dk, err := keys.DataKey(ctx, vault.SystemKey, vault.Index)
		if err != nil {
			t.Fatal(err)
		}
		key := seal.Key{Name: vault.SystemKey, Wrapped: dk.Wrapped, Plaintext: dk.Plaintext}
		if forgeries["a short one"], err = seal.Seal(key, indexSecretBinding, []byte("short")); err != nil {
			t.Fatal(err)
		}
		for what, content := range forgeries {
			f.forge(indexSecretObject, content)
			if got, err := LoadIndexSecret(ctx, keys, blobstore.New(f)); err == nil || len(got.key) > 0 {
				t.Errorf("%s: loaded", what)
			}
		}
		f.forge("", nil)
		if got, err := LoadIndexSecret(ctx, keys, blobstore.New(f)); err != nil || !bytes.Equal(got.key, w.secret.key) {
			t.Errorf("unchanged: %v", err)
		}
	})
}

// TestReplayedUnderAnotherName copies the objects of one customer to where
// another one's would lie who is not enrolled.
func TestReplayedUnderAnotherName(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		f := w.fixture(ctx, t)
		from, to := w.secret.key.place(f.customer), w.secret.key.place(f.other)
		store := blobstore.New(w.blobs)
		for source, target := range map[string]string{
			from.dossier(): to.dossier(), from.scan(f.scan.ID): to.scan(f.scan.ID),
		} {
			if _, err := store.Put(ctx, target, w.object(t, source), blobstore.IfAbsent()); err != nil {
				t.Fatal(err)
			}
		}
		_, err := c.Customer(ctx, f.other)
		refusal(t, err, fault.Corrupt, ReasonCorrupt)
		_, err = erase(ctx, c, f.other, "asked for it", "", Request{})
		refusal(t, err, fault.Corrupt, ReasonCorrupt) // no name of a key tells that anything here is this customer's
		_, err = c.Enrol(ctx, f.other, Enrolment{Values: custodytest.NewSpecimens(51).PlainCustomer()})
		refusal(t, err, fault.Corrupt, ReasonCorrupt)
		if got := w.describe(ctx, t, f.customer); got == gone {
			t.Error("the customer who was copied is gone")
		}
	})
}

// TestForgedIntentAndNote write what a forger would like a sweep to remove.
func TestForgedIntentAndNote(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c, store := t.Context(), w.server(t), blobstore.New(w.blobs)
		f, victim := w.fixture(ctx, t), w.fixture(ctx, t)
		p, other := w.secret.key.place(f.customer), w.secret.key.place(victim.customer)
		d, err := c.view(ctx, f.customer)
		if err != nil {
			t.Fatal(err)
		}
		before := w.state(ctx, t, f) + w.state(ctx, t, victim)
		note := other.dossier() + "\n" + other.scan(victim.scan.ID) + "\nsystem/index-secret\n../../x\n\n" + p.dossier() + "\n" + p.scan(f.scan.ID)
		wanted := intent{KeyName: d.key.Name, Receipt: p.receiptID(d.key.Name), Listed: true}
		beside, elsewhere := wanted, wanted
		beside.Objects = []string{"system/index-secret", other.dossier()}
		sign := func(p place, in intent) string {
			content := asJSON(t, in)
			return asJSON(t, signedIntent{json.RawMessage(content), c.intentMAC(p, []byte(asCompact(t, content)))})
		}
		for what, content := range map[string]string{
			"no JSON": "x", "no hash": asJSON(t, wanted), "an empty hash": asJSON(t, signedIntent{Intent: json.RawMessage(asJSON(t, wanted))}),
			"another customer's": sign(other, elsewhere), "one that lists what is not the customer's": sign(p, beside),
		} {
			for name, content := range map[string]string{p.pending("x"): note, p.intent(): content} {
				if _, err := store.Put(ctx, name, []byte(content), blobstore.Condition{}); err != nil {
					t.Fatal(err)
				}
			}
			report, err := c.Sweep(ctx, SweepOptions{Grace: -1})
			if err != nil || report != (SweepReport{Settled: 1, Failures: 1}) {
				t.Errorf("%s: %v, %+v", what, err, report)
			}
			if w.state(ctx, t, f)+w.state(ctx, t, victim) != before {
				t.Fatalf("%s: something was removed", what)
			}
			_, err = erase(ctx, c, f.customer, "asked for it", "", Request{})
			refusal(t, err, fault.Corrupt, ReasonCorrupt)
		}
		if _, err := LoadIndexSecret(ctx, c.keys, store); err != nil {
			t.Error(err)
		}
		if err := store.Delete(ctx, p.intent()); err != nil {
			t.Fatal(err)
		}
		w.mustBeWhole(ctx, t)
	})
}

// asCompact is JSON as it is once it was within other JSON.
func asCompact(t testing.TB, text string) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, []byte(text)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestStoredDossierOfAnotherRelease opens a dossier with fields that this
// program does not know; they stay.
func TestStoredDossierOfAnotherRelease(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, c := t.Context(), w.server(t)
	f := w.fixture(ctx, t)
	unknown := []byte{0xfa, 0x7d, 3, 'n', 'e', 'w'} // field 2015, three bytes
	_, _, err := c.change(ctx, f.customer, Request{}, needs{}, func(d *Dossier) ([]string, error) {
		d.stored.ProtoReflect().SetUnknown(unknown)
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.UpdateCustomer(ctx, f.customer, Update{Values: field.Values{"given_name": "Ada"}, Paths: []string{"given_name"}}); err != nil {
		t.Fatal(err)
	}
	d, err := w.server(t).view(ctx, f.customer)
	if err != nil || !bytes.Equal(d.stored.ProtoReflect().GetUnknown(), unknown) {
		t.Errorf("%v, %x", err, d.stored.ProtoReflect().GetUnknown())
	}
}
