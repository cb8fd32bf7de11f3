package custody

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/vault"
)

// TestKillAmidErasure kills a process (SIGKILL) that erases a customer, 100 times in
// all: each time it stands before another call of the back ends, all of them in
// turn. After a sweep there is one receipt, always the same, and nothing else.
func TestKillAmidErasure(t *testing.T) {
	t.Parallel()
	for _, b := range custodytest.Backends() {
		deployment, times := b.Deploy(t), 60
		if b.Name == "real" {
			times = 40
		}
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel() // each store has one child after the other
			prepareDeployment(t, deployment)
			first, began := 1, 0
			for i := range times {
				t.Run(fmt.Sprint(i), func(t *testing.T) {
					last, begun := killErasing(t, deployment, first)
					if first++; last {
						first = 1 // it came to its end: begin again
					}
					if begun {
						began++
					}
				})
			}
			if began < times/2 {
				t.Errorf("of %d erasures only %d had begun", times, began)
			}
		})
	}
}

// killErasing has a child erase a customer and kills it before that call. It says
// whether the erasure took fewer calls, and whether it had begun.
func killErasing(t *testing.T, d custodytest.Deployment, at int) (through, begun bool) {
	told, err := json.Marshal(job{Deployment: d, Institute: "bank-" + random(10), StandsAt: at})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), childVariable+"="+string(told)), t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Process.Kill()
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait()
	parts := strings.Fields(line) // customer, key, what it stands before
	customer := resource.Customer{Institute: resource.Institute{ID: strings.Split(parts[0], "/")[0]}, ID: strings.Split(parts[0], "/")[1]}
	through = parts[2] == "through"

	keys, blobs := d.MustOpen(t)
	w := &world{deployment: d, keys: keys, blobs: blobs, institute: customer.Institute.ID, clock: &clock{}}
	if w.secret, err = LoadIndexSecret(t.Context(), vault.New(keys), blobstore.New(blobs)); err != nil {
		t.Fatal(err)
	}
	ctx, p := t.Context(), w.secret.key.place(customer)
	w.awaitQuiet(t)
	w.sweepAll(ctx, t)
	receipts := w.names(ctx, t, p.receipts())
	begun = len(receipts) == 1
	out2, err := w.server(t).Erase(ctx, customer, Confirmation{By: "officer-paul"}, Request{})
	if err != nil {
		t.Fatalf("before %q: %v", parts[2:], err)
	}
	w.sweepAll(ctx, t)
	left := w.names(ctx, t, customer.Institute.ID+"/")
	if want := receiptObject(customer.Institute.ID, out2.Name.ID); !slices.Equal(left, []string{want}) || begun && receipts[0] != want {
		t.Errorf("before %q: there is %v, want %s alone; after the first sweep there was %v", parts[2:], left, want, receipts)
	}
	if index := w.names(ctx, t, "index/"); slices.ContainsFunc(index, func(n string) bool { return strings.Contains(n, p.pseudonym) }) {
		t.Errorf("before %q: a pointer is left", parts[2:])
	}
	if out2.Statement.KeyName != parts[1] {
		t.Errorf("before %q: the receipt is of another key", parts[2:])
	}
	if _, err := vault.New(keys).Info(ctx, parts[1]); err == nil {
		t.Errorf("before %q: the key is left", parts[2:])
	}
	again, err := w.server(t).Receipt(ctx, out2.Name)
	if err != nil || string(again.Envelope) != string(out2.Envelope) {
		t.Errorf("before %q: the receipt has changed: %v", parts[2:], err)
	}
	return through, begun
}

// eraseAndStand enrols a customer and erases it, and stands still for ever before
// the call of the back ends of that number. It prints whose erasure that is, and
// where it stands.
func eraseAndStand(w *world, at int) error {
	ctx := context.Background()
	customer := resource.Customer{Institute: resource.Institute{ID: w.institute}, ID: "c-" + random(5)}
	s := custodytest.NewSpecimens(1)
	c, err := New(w.config(), w.secret)
	if err != nil {
		return err
	}
	if _, err := c.Enrol(ctx, customer, Enrolment{Values: s.PlainCustomer(), Services: custodytest.Services()}); err != nil {
		return err
	}
	list, err := c.Register(ctx, customer, []Draft{
		{Field: "a", Kind: "sim_card", Values: s.Artefact("sim_card")}, {Field: "b", Kind: "document", Values: s.Artefact("document")},
	}, Request{})
	if err != nil {
		return err
	}
	if _, err := addPDF(ctx, c, list[1].Name, s.PDF(1000), Request{}); err != nil {
		return err
	}
	if _, err := c.Terminate(ctx, customer, farDay, "moved", Request{}); err != nil {
		return err
	}
	if _, err := c.RequestErasure(ctx, customer, askedFor("asked for it", ""), Request{}); err != nil {
		return err
	}
	d, err := c.view(ctx, customer)
	if err != nil {
		return err
	}
	say := func(where string) {
		fmt.Printf("%s/%s %s %s\n", customer.Institute.ID, customer.ID, d.key.Name, where)
		select {} // until it is killed
	}
	cfg := w.config()
	w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
		if call.Number == at {
			say(call.Op + " " + call.Name)
		}
		return custodytest.Pass
	})(&cfg)
	erasing, err := New(cfg, w.secret)
	if err != nil {
		return err
	}
	if _, err := erasing.Erase(ctx, customer, Confirmation{By: "officer-paul"}, Request{}); err != nil {
		return err
	}
	say("through")
	return nil
}
