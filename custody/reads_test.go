package custody

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/internal/custodytest"
)

// look reads something of a fixture and says what it saw.
type look struct {
	name string
	at   func(ctx context.Context, c *Custodian, f *fixture) (string, error)
}

func looks() []look {
	return []look{
		{"customer", func(ctx context.Context, c *Custodian, f *fixture) (string, error) {
			customer, err := c.Customer(ctx, f.customer)
			return fmt.Sprint(shown(customer.Values), customer.Services, customer.Contract), err
		}},
		{"list", func(ctx context.Context, c *Custodian, f *fixture) (string, error) {
			list, more, err := c.Artefacts(ctx, f.customer, Page{Size: 10})
			var seen []string
			for _, a := range list {
				seen = append(seen, fmt.Sprint(a.Kind, shown(a.Values), len(a.Scans)))
			}
			return fmt.Sprint(seen, more), err
		}},
		{"reveal", func(ctx context.Context, c *Custodian, f *fixture) (string, error) {
			a, err := c.Reveal(ctx, f.sim, nil)
			return shown(a.Values), err
		}},
		{"read a scan", func(ctx context.Context, c *Custodian, f *fixture) (string, error) {
			content, err := readScan(ctx, c, f.scan)
			if reason := fault.ReasonOf(err); reason == ReasonArtefactNotFound || reason == ReasonScanNotFound {
				return "not there", nil // which of the two depends on the moment
			}
			return fmt.Sprintf("%x", sha256.Sum256(content)), err
		}},
	}
}

// shown is values in an order of their own.
func shown(values field.Values) string {
	var out []string
	for _, path := range slices.Sorted(maps.Keys(values)) {
		out = append(out, path+"="+values[path])
	}
	return strings.Join(out, ",")
}

func readScan(ctx context.Context, c *Custodian, name resource.Scan) ([]byte, error) {
	_, content, err := c.OpenScan(ctx, name)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return io.ReadAll(content)
}

// TestEveryLookBesideAChange stops every sort of reading before each call of a
// back end and lets another server change what is read. The reader sees what was
// before, what is after, or that it is gone; nothing looks damaged.
func TestEveryLookBesideAChange(t *testing.T) {
	t.Parallel()
	root := newWorld(t, custodytest.Embedded())
	for _, l := range looks() {
		for _, a := range acts() {
			t.Run(l.name+" beside "+a.name, func(t *testing.T) {
				t.Parallel()
				for n := 1; root.apart().lookBeside(t, l, a, n); n++ {
					if t.Failed() {
						t.Fatalf("before call %d", n)
					}
				}
			})
		}
	}
}

func (w *world) lookBeside(t *testing.T, l look, a act, n int) (came bool) {
	t.Helper()
	ctx := t.Context()
	f, plain := w.fixtureFor(ctx, t, a), w.server(t)
	see := func(c *Custodian) string {
		seen, err := l.at(ctx, c, f)
		if err != nil {
			if fault.KindOf(err) == fault.Corrupt {
				t.Errorf("it looks damaged: %v", err)
			}
			return answer(err)
		}
		return seen
	}
	before := see(plain)
	c := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
		if call.Number == n {
			came = true
			if err := a.do(ctx, plain, f, request(a.name)); err != nil {
				t.Error(err)
			}
		}
		return custodytest.Pass
	}))
	got := see(c)
	if after := see(plain); got != before && got != after {
		t.Errorf("saw %s\nbetween %s\nand %s", got, before, after)
	}
	return came
}

// TestScanRemovedWhileItIsRead reads a scan half, has it removed, and reads on.
func TestScanRemovedWhileItIsRead(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		f := w.fixture(ctx, t)
		whole := custodytest.NewSpecimens(7).PDF(6 << 20)
		scan, err := addPDF(ctx, c, f.document, whole, Request{})
		if err != nil {
			t.Fatal(err)
		}
		_, content, err := c.OpenScan(ctx, scan.Name)
		if err != nil {
			t.Fatal(err)
		}
		defer content.Close()
		head := make([]byte, 100_000)
		if _, err := io.ReadFull(content, head); err != nil {
			t.Fatal(err)
		}
		if err := w.server(t).DeleteScan(ctx, scan.Name, Request{}); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(content)
		got := append(head, rest...)
		switch {
		case err == nil && !bytes.Equal(got, whole):
			t.Errorf("%d bytes of %d without an error", len(got), len(whole))
		case err != nil && fault.ReasonOf(err) != ReasonScanNotFound:
			t.Errorf("%v, want that the scan is not there", err)
		case !bytes.HasPrefix(whole, got):
			t.Error("read something else")
		}
		if _, err := readScan(ctx, c, scan.Name); fault.ReasonOf(err) != ReasonScanNotFound {
			t.Errorf("read again: %v", err)
		}
	})
}
