package devserver_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/devissuer"
	"github.com/wertfach/wertfach/internal/devserver"
	"github.com/wertfach/wertfach/internal/profile"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/access"
	"github.com/wertfach/wertfach/server/identity"
)

func getCustomer(t *testing.T, c *client.Client) error {
	t.Helper()
	_, err := c.Customers.GetCustomer(t.Context(), &wertfachv1.GetCustomerRequest{Name: "institutes/musterbank/customers/anna-muster"})
	return err
}

// opened is a client by a profile that was changed.
func opened(t *testing.T, d *devserver.Dev, name string, change func(*profile.Profile)) *client.Client {
	t.Helper()
	p, err := profile.Read(d.Profile(name))
	if err != nil {
		t.Fatal(err)
	}
	change(&p)
	c, err := client.Open(client.Config{
		Address: p.Address, CAFile: p.CAFile, CertFile: p.CertFile, KeyFile: p.KeyFile, TokenFile: p.TokenFile,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestPeople: agents and officers come with their own tokens, and only so.
func TestPeople(t *testing.T) {
	t.Parallel()
	d, other := running(t, devserver.Options{}), running(t, devserver.Options{})
	if _, err := d.Samples(t.Context()); err != nil {
		t.Fatal(err)
	}
	officers, agents := devserver.People("privacy-officer"), devserver.People("hotline")
	if len(officers) != 2 || len(agents) != 2 || len(devserver.People("portal")) != 0 {
		t.Fatalf("officers %v, agents %v", officers, agents)
	}
	for _, name := range append(officers, "privacy-officer") {
		if err := getCustomer(t, dial(t, d, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range append(agents, "hotline") { // who need a call besides
		if err := getCustomer(t, dial(t, d, name)); fault.ReasonOf(err) != access.ReasonCall {
			t.Errorf("%s: %v", name, err)
		}
	}
	token := func(d *devserver.Dev, person string) string {
		return devissuer.TokenFile(filepath.Join(d.Dir(), "clients"), person)
	}
	for name, test := range map[string]struct {
		machine, token, reason string
	}{
		"no person":          {"privacy-officer", "", access.ReasonPerson},
		"a portal's person":  {"portal", token(d, officers[0]), identity.ReasonTokenRefused},
		"an agent there":     {"privacy-officer", token(d, agents[0]), access.ReasonRole},
		"of another folder":  {"privacy-officer", token(other, officers[0]), identity.ReasonToken},
		"an officer by both": {"privacy-officer", token(d, officers[1]), ""},
	} {
		c := opened(t, d, test.machine, func(p *profile.Profile) { p.TokenFile = test.token })
		if err := getCustomer(t, c); fault.ReasonOf(err) != test.reason || (err == nil) != (test.reason == "") {
			t.Errorf("%s: got %v (%s), want %s", name, err, fault.ReasonOf(err), test.reason)
		}
	}
}

// TestTokensAreRenewed while the server runs.
func TestTokensAreRenewed(t *testing.T) {
	t.Parallel()
	d := running(t, devserver.Options{}.Renewing(time.Millisecond))
	file := devissuer.TokenFile(filepath.Join(d.Dir(), "clients"), devserver.People("hotline")[0])
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		if _, err := os.Stat(file); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("not renewed within 10 seconds")
		}
	}
}

// TestCallers: a server may be given other callers than those of development.
func TestCallers(t *testing.T) {
	t.Parallel()
	d := running(t, devserver.Options{Callers: []config.Caller{
		{URI: "spiffe://dev.wertfach.example/portal/dev", Roles: []string{"portal"}, Institutes: []string{"musterbank"}},
	}})
	enrol := func(role, institute string) error {
		_, err := dial(t, d, role).Customers.EnrolCustomer(t.Context(), &wertfachv1.EnrolCustomerRequest{
			Parent: "institutes/" + institute, CustomerId: "4711", Customer: &wertfachv1.Customer{
				FamilyName: "Muster", DateOfBirth: "1984-05-17", Address: &wertfachv1.Address{PostalCode: "10115"},
				Iban: "DE89370400440532013000", Services: []wertfachv1.Service{wertfachv1.Service_SERVICE_BIKE_PROTECTION},
			},
		})
		return err
	}
	if err := enrol("portal", "musterbank"); err != nil {
		t.Error(err)
	}
	if err := enrol("portal", "kartenbank"); fault.KindOf(err) != fault.NotFound || err == nil {
		t.Errorf("at an institute of others: %v", err)
	}
	if err := enrol("core-banking", "musterbank"); fault.ReasonOf(err) != identity.ReasonCertificate {
		t.Errorf("a caller who is not listed: %v", err)
	}
}
