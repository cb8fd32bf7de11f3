package custody

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/receipt"
	"github.com/wertfach/wertfach/custody/resource"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
	"github.com/wertfach/wertfach/vault"
)

// mustBeWhole fails the test unless all that is stored of the world's institute
// belongs together;
// see [inspection].
func (w *world) mustBeWhole(ctx context.Context, t testing.TB) {
	t.Helper()
	for _, problem := range w.problems(ctx, t) {
		t.Error(problem)
	}
}

// problems says what of the world's institute is half-linked or left over.
func (w *world) problems(ctx context.Context, t testing.TB) []string {
	t.Helper()
	i := &inspection{c: w.server(t), wanted: map[string]bool{}, there: map[string]bool{}}
	i.all(ctx, w.institute)
	return i.found
}

// inspection compares everything in a store with what the dossiers refer to.
// Every dossier opens, and all that it refers to is there and opens; every
// satellite is referred to; no change and no erasure is under way; every receipt
// verifies, and the key that it names is gone.
type inspection struct {
	c             *Custodian
	public        []byte
	wanted, there map[string]bool
	found         []string
}

func (i *inspection) problem(format string, args ...any) {
	i.found = append(i.found, fmt.Sprintf(format, args...))
}

func (i *inspection) all(ctx context.Context, institute string) {
	var err error
	if i.public, err = PublicKeys(ctx, i.c.keys); err != nil {
		i.problem("public keys: %v", err)
		return
	}
	for _, prefix := range []string{institute + "/", "index/"} {
		for info, err := range i.c.store.List(ctx, prefix) {
			if err != nil {
				i.problem("list: %v", err)
				return
			}
			if prefix != "index/" || strings.HasPrefix(path.Base(info.Name), institute+".") {
				i.object(ctx, info.Name)
			}
		}
	}
	for name := range maps.Keys(i.wanted) {
		if !i.there[name] {
			i.problem("missing: a dossier refers to %s", name)
		}
	}
	for name := range maps.Keys(i.there) {
		if !i.wanted[name] {
			i.problem("left over: no dossier refers to %s", name)
		}
	}
	slices.Sort(i.found)
}

func (i *inspection) object(ctx context.Context, name string) {
	parts := strings.Split(name, "/")
	switch {
	case parts[0] == "index":
		i.there[name] = true
	case parts[1] == "scans", parts[1] == "due":
		i.there[name] = true
	case parts[1] == "dossiers":
		i.dossier(ctx, place{institute: parts[0], pseudonym: parts[2]})
	case parts[1] == "receipts":
		i.receipt(ctx, name)
	case parts[1] == "requests":
		p := place{institute: parts[0], pseudonym: parts[2]}
		r, err := i.c.readRequest(ctx, p)
		if keyName, alive, _ := i.c.keyOf(ctx, p); err != nil || r.ConfirmedBy != "" || r.Cancelled.IsZero() && (!alive || keyName != r.KeyName) {
			i.problem("unfinished: %s", name)
		}
	default:
		i.problem("unfinished: %s", name)
	}
}

func (i *inspection) dossier(ctx context.Context, p place) {
	d, err := i.c.viewAt(ctx, resource.Customer{}, p, needs{anyState: true})
	if err != nil {
		i.problem("%s does not open: %v (%v)", p.dossier(), err, errors.Unwrap(err))
		return
	}
	d.name = resource.Customer{Institute: resource.Institute{ID: p.institute}, ID: d.stored.GetCustomerId()}
	if i.c.secret.place(d.name) != p {
		i.problem("%s is of another customer", p.dossier())
	}
	if d.stored.GetErasing() {
		i.problem("%s is being erased", p.dossier())
	}
	for _, name := range d.satellites() {
		i.wanted[name] = true
	}
	if _, err := i.c.describe(ctx, d); err != nil {
		i.problem("%s: %v", p.dossier(), err)
	}
}

func (i *inspection) receipt(ctx context.Context, name string) {
	r, err := i.c.readReceipt(ctx, name)
	if err != nil {
		i.problem("%s: %v", name, err)
		return
	}
	keys, err := receipt.ParseKeys(i.public)
	if err != nil {
		i.problem("public keys: %v", err)
		return
	}
	if _, err := receipt.Verify(r.Envelope, keys); err != nil {
		i.problem("%s: %v", name, err)
	}
	if _, err := i.c.keys.Info(ctx, r.Statement.KeyName); !errors.Is(err, vault.ErrNotFound) {
		i.problem("%s: the key is not gone: %v", name, err)
	}
}

// gone is how a customer is described who has no dossier.
const gone = "gone"

// describe says all that a customer's dossier and its scans hold, but for what
// is random or a time: two customers to whom the same was done look the same.
func (w *world) describe(ctx context.Context, t testing.TB, name resource.Customer) string {
	t.Helper()
	c := w.server(t)
	d, err := c.view(ForRestricted(ctx, "LEGAL_CLAIM"), name)
	if fault.KindOf(err) == fault.NotFound {
		return gone
	}
	if err != nil {
		t.Fatalf("view: %v (%v)", err, errors.Unwrap(err))
	}
	text, err := c.describe(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (c *Custodian) describe(ctx context.Context, d *Dossier) (string, error) {
	var out strings.Builder
	for _, of := range d.terms() {
		if err := c.describeTerm(ctx, &out, d, of); err != nil {
			return "", err
		}
	}
	return out.String(), nil
}

func (c *Custodian) describeTerm(ctx context.Context, out io.Writer, d *Dossier, of term) error {
	fmt.Fprintln(out, "services", of.services, "former", of.former)
	fmt.Fprintln(out, "termination", of.termination.GetEffectiveDate(), of.termination.GetReason())
	if err := c.describeRecord(ctx, out, d, customerResource, of.customer); err != nil {
		return err
	}
	for _, a := range *of.artefacts {
		fmt.Fprintln(out, "artefact", a.GetKind())
		if err := c.describeRecord(ctx, out, d, artefactResource(a.GetId()), a.GetRecord()); err != nil {
			return err
		}
		for _, s := range a.GetScans() {
			fmt.Fprintln(out, "  scan", s.GetFileName(), s.GetMediaType(), s.GetSizeBytes(), hex.EncodeToString(s.GetSha256()))
			if err := c.checkScan(ctx, d, s); err != nil {
				return fmt.Errorf("scan %s: %w", s.GetId(), err)
			}
		}
	}
	return nil
}

func (c *Custodian) describeRecord(ctx context.Context, out io.Writer, d *Dossier, of string, r *storagev1.Record) error {
	var sealed []string
	for _, comp := range r.GetCompartments() {
		sealed = append(sealed, comp.GetPath())
	}
	secret, err := c.reveal(ctx, d, of, r, sealed)
	if err != nil {
		return fmt.Errorf("secrets of %s: %w", of, err)
	}
	for _, values := range []field.Values{open(r), secret} {
		for _, at := range slices.Sorted(maps.Keys(values)) {
			fmt.Fprintf(out, "  %s: %s\n", at, values[at])
		}
	}
	return nil
}

// checkScan reads a scan to its end and compares it with what the dossier says.
func (c *Custodian) checkScan(ctx context.Context, d *Dossier, s *storagev1.Scan) error {
	sealed, err := openReplaceable(ctx, c.store, d.place.scan(s.GetId()))
	if err != nil {
		return err
	}
	defer sealed.Close()
	content, err := c.openScan(ctx, d, s.GetId(), sealed)
	if err != nil {
		return err
	}
	hash := sha256.New()
	if n, err := io.Copy(hash, content); err != nil || n != s.GetSizeBytes() || !bytes.Equal(hash.Sum(nil), s.GetSha256()) {
		return fmt.Errorf("%d bytes, %w: not what the dossier says", n, err)
	}
	return nil
}

// names lists the objects with a prefix.
func (w *world) names(ctx context.Context, t testing.TB, prefix string) []string {
	t.Helper()
	var names []string
	for info, err := range blobstore.New(w.blobs).List(ctx, prefix) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, info.Name)
	}
	return names
}
