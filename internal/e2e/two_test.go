package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// TestTwoServersLoseNothing changes one customer through two servers at once,
// as several portals would.
func TestTwoServersLoseNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, b *backends) {
		one, two := deploy(t, b, custody.Limits{}), deploy(t, b, custody.Limits{})
		clients := []*client.Client{one.client(t, "portal"), two.client(t, "portal")}
		ctx := t.Context()
		customer, err := clients[0].Customers.EnrolCustomer(ctx, &wertfachv1.EnrolCustomerRequest{Parent: bank, CustomerId: "busy", Customer: erika()})
		ok(t, err)
		doc, err := clients[1].Artefacts.RegisterArtefact(ctx, &wertfachv1.RegisterArtefactRequest{Parent: customer.GetName(), Artefact: document()})
		ok(t, err)

		const workers, rounds = 3, 4 // at each server
		var work sync.WaitGroup
		for i, c := range clients {
			for w := range workers {
				work.Go(func() {
					for r := range rounds {
						label := fmt.Sprintf("%d/%d/%d", i, w, r)
						must(t, "register "+label, registerLabelled(ctx, c, customer, label))
						must(t, "count "+label, count(ctx, c, doc.GetName()))
					}
					photo := heicFile(1000)
					_, err := c.UploadScan(ctx, doc.GetName(), bytes.NewReader(photo), int64(len(photo)), client.FileName(fmt.Sprintf("%d-%d.heic", i, w)))
					must(t, "upload", err)
				})
			}
		}
		work.Wait()

		labels := map[string]int{}
		for a, err := range clients[0].AllArtefacts(ctx, customer.GetName()) {
			ok(t, err)
			if a.GetBike() != nil {
				labels[a.GetLabel()]++
				continue
			}
			equal(t, a.GetLabel(), strconv.Itoa(len(clients)*workers*rounds))
			equal(t, len(a.GetScans()), len(clients)*workers)
		}
		equal(t, len(labels), len(clients)*workers*rounds)
		for label, n := range labels {
			if n != 1 {
				t.Errorf("%s is there %d times", label, n)
			}
		}
		// Changes that lost a race may leave notes; a sweep settles them, and what
		// remains is what the customer has.
		report, err := one.custodian.Sweep(ctx, custody.SweepOptions{Grace: -1})
		ok(t, err)
		equal(t, report.Failures, 0)
		equal(t, one.objects(t, "musterbank/pending/"), 0)
		equal(t, one.objects(t, "musterbank/scans/"), len(clients)*workers)
		equal(t, one.objects(t, "index/"), 2*len(labels)+1)
	})
}

// must is ok for a goroutine.
func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

func registerLabelled(ctx context.Context, c *client.Client, customer *wertfachv1.Customer, label string) error {
	a := bike()
	a.Label = label
	_, err := c.Artefacts.RegisterArtefact(ctx, &wertfachv1.RegisterArtefactRequest{Parent: customer.GetName(), Artefact: a})
	return err
}

// count adds one to the number in an artefact's label, if nobody else came
// first, and else begins again.
func count(ctx context.Context, c *client.Client, name string) error {
	for {
		a, err := c.Artefacts.GetArtefact(ctx, &wertfachv1.GetArtefactRequest{Name: name})
		if err != nil {
			return err
		}
		n, _ := strconv.Atoi(a.GetLabel()) // the first label is no number
		_, err = c.Artefacts.UpdateArtefact(ctx, &wertfachv1.UpdateArtefactRequest{
			Artefact:   &wertfachv1.Artefact{Name: name, Etag: a.GetEtag(), Label: strconv.Itoa(n + 1), Kind: a.GetKind()},
			UpdateMask: mask("label"),
		})
		if fault.ReasonOf(err) != custody.ReasonStaleETag {
			return err
		}
	}
}

// TestSameUploadTwiceAtOnce is a client that repeats an upload while the first
// one, whose answer it lost, still goes on at another server.
func TestSameUploadTwiceAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, b *backends) {
		one, two := newScene(t, b), deploy(t, b, sceneLimits)
		clients := []*client.Client{one.client(t, "portal"), two.client(t, "portal")}
		scans := one.objects(t, "musterbank/scans/")
		const id = "0b8ee8e1-7a5e-4b0e-9a0c-2f6a1d7f4c11"
		names := make([]string, 4)
		var work sync.WaitGroup
		for i := range names {
			work.Go(func() {
				scan, err := clients[i%2].UploadScan(t.Context(), one.sim.GetName(), bytes.NewReader(content), int64(len(content)), client.RequestID(id))
				must(t, "upload", err)
				names[i] = scan.GetName()
			})
		}
		work.Wait()
		for _, name := range names {
			equal(t, name, names[0])
		}
		equal(t, one.objects(t, "musterbank/scans/"), scans+1)
		equal(t, one.objects(t, "musterbank/pending/"), 0)
	})
}
