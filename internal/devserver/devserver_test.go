package devserver_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/receipt"
	"github.com/wertfach/wertfach/internal/devserver"
	"github.com/wertfach/wertfach/internal/profile"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// start starts a server that the test stops.
func start(t *testing.T, dir string, o devserver.Options) *devserver.Dev {
	t.Helper()
	d, err := devserver.Start(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func stop(t *testing.T, d *devserver.Dev) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	if err := d.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// running is a server that is stopped when the test ends.
func running(t *testing.T, o devserver.Options) *devserver.Dev {
	t.Helper()
	d := start(t, t.TempDir(), o)
	t.Cleanup(func() { stop(t, d) })
	return d
}

func dial(t *testing.T, d *devserver.Dev, role string) *client.Client {
	t.Helper()
	c, err := d.Client(role)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// tree is the content of every file below a folder, by path.
func tree(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = content
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestNextStart: the folder keeps data, keys, certificates and profiles.
func TestNextStart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "below", "data")
	first := start(t, dir, devserver.Options{})
	samples, err := first.Samples(t.Context())
	if err != nil || len(samples) != 2 {
		t.Fatalf("samples: %v, %v", samples, err)
	}
	before, address := tree(t, dir), first.Address()
	stop(t, first)

	second := start(t, dir, devserver.Options{Listen: address})
	defer stop(t, second)
	for name, content := range tree(t, dir) {
		if filepath.Ext(name) != ".db" && !bytes.Equal(content, before[name]) {
			t.Errorf("%s is not as it was", name)
		}
	}
	again, err := second.Samples(t.Context())
	if err != nil || !slices.EqualFunc(samples, again, func(a, b devserver.Sample) bool {
		return a.Customer == b.Customer && len(a.Artefacts) > 0 && slices.Equal(a.Artefacts, b.Artefacts)
	}) {
		t.Errorf("samples: %v, %v; were %v", again, err, samples)
	}
	c := dial(t, second, "portal")
	sim, err := c.Artefacts.RevealArtefact(t.Context(), &wertfachv1.RevealArtefactRequest{
		Name: samples[0].Artefacts[0], Purpose: wertfachv1.RevealPurpose_REVEAL_PURPOSE_UNLOCK,
	})
	if err != nil || sim.GetSimCard().GetPuk() != "12345678" {
		t.Errorf("reveal: %v", err)
	}
}

// TestSamplesAreLeftAsTheyAre: who plays with the samples is not undone by the
// next start.
func TestSamplesAreLeftAsTheyAre(t *testing.T) {
	t.Parallel()
	d := running(t, devserver.Options{})
	samples, err := d.Samples(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	core := dial(t, d, "core-banking")
	today := time.Now().In(berlin(t)).Format(time.DateOnly)
	if _, err := core.Lifecycle.TerminateContract(t.Context(), &wertfachv1.TerminateContractRequest{
		Name: samples[0].Customer, EffectiveDate: today, Reason: "tried out",
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := dial(t, d, "portal").Artefacts.DeleteArtefact(t.Context(), &wertfachv1.DeleteArtefactRequest{
		Name: samples[1].Artefacts[0],
	}); err != nil {
		t.Fatal(err)
	}
	again, err := d.Samples(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(again[0].Artefacts) != 0 {
		t.Error("a customer whose contract has ended is offered")
	}
	if len(again[1].Artefacts) != 1 || again[1].Artefacts[0] == samples[1].Artefacts[0] {
		t.Error("a customer without artefacts gets none")
	}
}

func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// TestInstitutes: one takes card verification codes and the other refuses them.
func TestInstitutes(t *testing.T) {
	t.Parallel()
	d := running(t, devserver.Options{})
	c := dial(t, d, "portal")
	for institute, taken := range map[string]bool{"musterbank": false, "kartenbank": true} {
		customer, err := c.Customers.EnrolCustomer(t.Context(), &wertfachv1.EnrolCustomerRequest{
			Parent: "institutes/" + institute, CustomerId: "4711", Customer: &wertfachv1.Customer{
				FamilyName: "Muster", DateOfBirth: "1984-05-17", Address: &wertfachv1.Address{PostalCode: "10115"},
				Iban: "DE89370400440532013000", Services: []wertfachv1.Service{wertfachv1.Service_SERVICE_PAYMENT_CARD_PROTECTION},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Artefacts.RegisterArtefact(t.Context(), &wertfachv1.RegisterArtefactRequest{
			Parent: customer.GetName(), Artefact: &wertfachv1.Artefact{Kind: &wertfachv1.Artefact_PaymentCard{
				PaymentCard: &wertfachv1.PaymentCard{Pan: "4111111111111111", CardVerificationCode: "123"},
			}},
		})
		if taken != (err == nil) || err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: got %v, want a code taken: %t", institute, err, taken)
		}
	}
}

// TestModes: nobody else on the machine reads keys or profiles.
func TestModes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	d := start(t, dir, devserver.Options{})
	defer stop(t, d)
	if _, err := d.Samples(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 && path != d.KeysFile() {
			t.Errorf("%s has mode %o", path, info.Mode().Perm())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	d := running(t, devserver.Options{})
	want := []string{"portal", "core-banking", "hotline", "loss-partner", "fulfilment", "privacy-officer", "operator"}
	if got := devserver.Roles(); !slices.Equal(got, want) {
		t.Errorf("roles: got %v, want %v", got, want)
	}
	for _, role := range devserver.Roles() {
		p, err := profile.Read(filepath.Join(d.Dir(), "clients", role+".yaml"))
		if err != nil || p.Address != d.Address() {
			t.Errorf("%s: %v, %v", role, p, err)
		}
		secure, err := d.ClientTLS(role)
		if err != nil {
			t.Fatal(err)
		}
		if uri := secure.Certificates[0].Leaf.URIs[0].String(); uri != "spiffe://dev.wertfach.example/"+role+"/dev" {
			t.Errorf("%s: its certificate says %s", role, uri)
		}
	}
}

// TestKeysFile: the receipt of an erasure verifies with the file alone.
func TestKeysFile(t *testing.T) {
	t.Parallel()
	d := running(t, devserver.Options{})
	samples, err := d.Samples(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = dial(t, d, "officer-ines").Lifecycle.RequestErasure(t.Context(), &wertfachv1.RequestErasureRequest{
		Name: samples[0].Customer, Ground: wertfachv1.ErasureRequest_GROUND_PURPOSE_GONE, Reason: "tried out",
	})
	if err != nil {
		t.Fatal(err)
	}
	erased, err := dial(t, d, "officer-paul").Lifecycle.EraseCustomer(t.Context(), &wertfachv1.EraseCustomerRequest{Name: samples[0].Customer})
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(d.KeysFile())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := receipt.ParseKeys(pem)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := receipt.Verify(erased.GetEnvelope(), keys); err != nil {
		t.Error(err)
	}
}

func TestInUse(t *testing.T) {
	t.Parallel()
	d := running(t, devserver.Options{})
	before := tree(t, filepath.Join(d.Dir(), "clients"))
	if _, err := devserver.Start(t.Context(), d.Dir(), devserver.Options{}); !errors.Is(err, devserver.ErrInUse) {
		t.Errorf("got %v, want %v", err, devserver.ErrInUse)
	}
	for name, content := range tree(t, filepath.Join(d.Dir(), "clients")) {
		if !bytes.Equal(content, before[name]) {
			t.Errorf("the second start changed %s", name)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]error{
		"0.0.0.0:0": devserver.ErrNotLoopback, ":0": devserver.ErrNotLoopback, "192.0.2.1:0": devserver.ErrNotLoopback,
		"bank.example:0": devserver.ErrNotLoopback, "[::]:0": devserver.ErrNotLoopback,
	} {
		dir := filepath.Join(t.TempDir(), "data")
		if _, err := devserver.Start(t.Context(), dir, devserver.Options{Listen: listen}); !errors.Is(err, want) {
			t.Errorf("%s: got %v", listen, err)
		}
	}
	d := running(t, devserver.Options{Listen: "localhost:0"})
	if _, err := d.Samples(t.Context()); err != nil || !strings.HasPrefix(d.Address(), "localhost:") {
		t.Errorf("localhost: %s, %v", d.Address(), err)
	}
}

// TestPortTaken: a default port may give way, one that was asked for may not.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().String()
	dir := t.TempDir()
	if _, err := devserver.Start(t.Context(), dir, devserver.Options{Listen: taken}); err == nil {
		t.Error("started on a port that is taken")
	}
	d := start(t, dir, devserver.Options{Listen: taken, AnyPort: true}) // nothing of the failure is left
	defer stop(t, d)
	if d.Address() == taken {
		t.Error("the address is that of somebody else")
	}
	if p, err := profile.Read(d.Profile("portal")); err != nil || p.Address != d.Address() {
		t.Errorf("profile: %v, %v", p, err)
	}
}

// TestStrangersAreNotLetIn: without a certificate of the folder's own authority
// nobody gets as far as a call.
func TestStrangersAreNotLetIn(t *testing.T) {
	t.Parallel()
	d, other := running(t, devserver.Options{}), running(t, devserver.Options{})
	own, err := d.ClientTLS("portal")
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.ClientTLS("portal")
	if err != nil {
		t.Fatal(err)
	}
	for name, secure := range map[string]*tls.Config{
		"no certificate": {RootCAs: own.RootCAs, MinVersion: tls.VersionTLS13},
		"another folder": {RootCAs: own.RootCAs, MinVersion: tls.VersionTLS13, Certificates: foreign.Certificates},
	} {
		c, err := client.Open(client.Config{Address: d.Address(), TLS: secure, Attempts: 1})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Customers.GetCustomer(t.Context(), &wertfachv1.GetCustomerRequest{Name: "institutes/musterbank/customers/4711"})
		if err == nil || fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: got %v", name, err)
		}
		_ = c.Close()
	}
	for version, taken := range map[uint16]bool{tls.VersionTLS12: false, tls.VersionTLS13: true} {
		secure := own.Clone()
		secure.MinVersion, secure.MaxVersion, secure.NextProtos = version, version, []string{"h2"}
		conn, err := (&tls.Dialer{Config: secure}).DialContext(t.Context(), "tcp", d.Address())
		if taken != (err == nil) {
			t.Errorf("%s: got %v", tls.VersionName(version), err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
}

// TestSweeps: the server's own sweep removes the secrets when a contract has ended.
func TestSweeps(t *testing.T) {
	t.Parallel()
	d := running(t, devserver.Options{SweepEvery: time.Millisecond})
	samples, err := d.Samples(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	core := dial(t, d, "core-banking")
	name := samples[0].Customer
	_, err = core.Lifecycle.TerminateContract(t.Context(), &wertfachv1.TerminateContractRequest{
		Name: name, EffectiveDate: time.Now().In(berlin(t)).Format(time.DateOnly),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		r, err := core.Lifecycle.ExplainRetention(ctx, &wertfachv1.ExplainRetentionRequest{Name: name})
		if err == nil && len(r.GetHoldings()) > 0 && r.GetHoldings()[0].GetClass() != "secrets" {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("not removed within 10 seconds: %v, %v", err, r)
		}
	}
}
