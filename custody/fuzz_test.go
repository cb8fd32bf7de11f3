package custody

import (
	"context"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/seal"
	"github.com/wertfach/wertfach/internal/custodytest"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
)

// FuzzOpenStored puts anything in the place of a dossier. Only the dossier opens.
func FuzzOpenStored(f *testing.F) {
	w := newWorld(f, custodytest.Embedded())
	c := w.server(f)
	fixed := w.fixture(f.Context(), f)
	p := w.secret.key.place(fixed.customer)
	dossier := w.object(f, p.dossier())
	for _, seed := range [][]byte{
		nil, dossier, dossier[:len(dossier)/2], dossier[:keyNameEnd(dossier)], w.object(f, p.scan(fixed.scan.ID)), []byte("WF\x01\x01\x00"),
	} {
		f.Add(seed)
	}
	var mu sync.Mutex
	f.Fuzz(func(t *testing.T, sealed []byte) {
		mu.Lock()
		defer mu.Unlock()
		_, err := c.open(context.Background(), fixed.customer, p, sealedDossier{data: sealed}, needs{})
		if same := string(sealed) == string(dossier); same != (err == nil) {
			t.Errorf("opens: %v", err)
		}
		if kind := fault.KindOf(backend(err)); err != nil && kind != fault.Corrupt && kind != fault.NotFound {
			t.Errorf("%v", err)
		}
	})
}

// FuzzDossier takes anything for the plaintext of a dossier, as a fault of another
// release could write it, and applies every rule to it.
func FuzzDossier(f *testing.F) {
	full := pure(f, noon)
	for _, kind := range custodytest.Kinds() {
		full.having(f, kind).Scans = []*storagev1.Scan{{Id: "s1"}}
	}
	for _, d := range []*storagev1.Dossier{
		full.stored, {}, {Customer: &storagev1.Record{}}, {Customer: &storagev1.Record{}, Artefacts: []*storagev1.Artefact{{}}},
		{Customer: &storagev1.Record{}, Termination: &storagev1.Termination{EffectiveDate: "2027-01-01"}, Erasing: true},
	} {
		plain, err := proto.Marshal(d)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(plain)
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		d := pure(t, noon)
		sealed, err := seal.Seal(d.key, d.place.binding(), plain)
		if err != nil {
			return
		}
		if plain, err = seal.Open(d.key.Plaintext, d.place.binding(), sealed); err != nil {
			t.Fatal(err)
		}
		d.stored = &storagev1.Dossier{}
		if proto.Unmarshal(plain, d.stored) != nil || !d.whole() {
			return
		}
		d.applyAll()
	})
}

// applyAll looks at a dossier in every way and applies every rule to it.
func (d *Dossier) applyAll() {
	s := custodytest.NewSpecimens(1)
	ids := []string{"unknown"}
	_, _, _ = d.customer(), d.counts(), d.satellites()
	for _, a := range d.stored.GetArtefacts() {
		d.asRead(a)
		ids = append(ids, a.GetId())
	}
	for _, id := range ids {
		_ = d.updateArtefact(id, "", Update{Values: s.Artefact("bike"), Paths: []string{"label"}}, "r")
		_ = d.linkScan(id, "r", &storagev1.Scan{})
		_ = d.deleteScan(id, "s1", "r")
		_ = d.deleteArtefact(id, "")
	}
	_ = d.register("new", "r", Draft{Kind: "bike", Values: s.Artefact("bike")})
	_ = d.updateCustomer(s.PlainCustomer(), s.PlainCustomer(), []string{"given_name"}, "", "r")
	_ = d.setServices(nil, d.stored.GetCustomer().GetRevision(), "r")
	_ = d.terminate("2027-01-01", "", "r")
	_ = d.cancelTermination("r")
	_, _, _ = d.replay("x", nil)
	d.remember("x", nil, nil)
}

// FuzzIntent takes anything for an intent and for a note. Nothing but what was
// written here is believed.
func FuzzIntent(f *testing.F) {
	w := newWorld(f, custodytest.Embedded())
	forger := &forged{Driver: w.blobs}
	c := w.server(f, func(cfg *Config) { cfg.Store = blobstore.New(forger) })
	p := w.secret.key.place(w.newCustomer())
	for _, seed := range []string{"", "\n", "{}", "x\n{}", `{"listed":true,"key_name":"k","objects":["system/index-secret"]}`} {
		f.Add([]byte(seed))
	}
	var mu sync.Mutex
	f.Fuzz(func(t *testing.T, content []byte) {
		mu.Lock()
		defer mu.Unlock()
		forger.forge(p.intent(), content)
		if _, err := c.readIntent(context.Background(), p); fault.KindOf(err) != fault.Corrupt {
			t.Errorf("%v", err)
		}
		forger.forge(p.pending("x"), content)
		_, err := c.settle(context.Background(), p, p.pending("x"), nil, false)
		for _, written := range forger.written {
			if name := written[len("delete "):]; !p.satellite(name) && name != p.pending("x") {
				t.Errorf("%v: removed %s", err, name)
			}
		}
	})
}
