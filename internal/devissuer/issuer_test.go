package devissuer_test

import (
	"bytes"
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/devissuer"
	"github.com/wertfach/wertfach/server/identity"
)

const machine = "spiffe://dev.wertfach.example/console/dev"

func start(t *testing.T, dir string) *devissuer.Issuer {
	t.Helper()
	i, err := devissuer.Start(dir)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func stop(t *testing.T, i *devissuer.Issuer) {
	t.Helper()
	if err := i.Close(); err != nil {
		t.Error(err)
	}
}

// identify asks a server's registry who shows the token.
func identify(t *testing.T, i *devissuer.Issuer, token string, now time.Time) (identity.Principal, error) {
	t.Helper()
	r, err := identity.New(identity.Config{
		Now:      func() time.Time { return now },
		Machines: []identity.Machine{{URI: machine, Roles: []string{"hotline", "privacy-officer"}, Institutes: []string{"*"}}},
		Issuers: []identity.Issuer{{URL: i.URL(), Audience: devissuer.Audience, Groups: []identity.Group{
			{Group: devissuer.Hotline, Roles: []string{"hotline"}, Institutes: []string{"*"}},
			{Group: devissuer.Officers, Roles: []string{"privacy-officer"}, Institutes: []string{"*"}},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	uri, err := url.Parse(machine)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{URIs: []*url.URL{uri}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(1000 * time.Hour)}
	return r.Identify(t.Context(), leaf, "Bearer "+token)
}

// TestTokens: a server takes them as it takes any issuer's, by discovery.
func TestTokens(t *testing.T) {
	t.Parallel()
	i, now := start(t, t.TempDir()), time.Now()
	defer stop(t, i)
	roles := map[wertfachv1.Role]int{}
	for _, p := range devissuer.People() {
		token, err := i.Token(p, now)
		if err != nil {
			t.Fatal(err)
		}
		who, err := identify(t, i, token, now)
		if err != nil || who.ID != i.URL()+"#"+p.Name || len(who.Grants) != 1 {
			t.Fatalf("%s: got %+v, %v", p.Name, who, err)
		}
		roles[who.Grants[0].Role]++
		_, err = identify(t, i, token, now.Add(devissuer.Lifetime+time.Second))
		if fault.ReasonOf(err) != identity.ReasonTokenExpired {
			t.Errorf("%s: after its time: %v", p.Name, err)
		}
	}
	if roles[wertfachv1.Role_ROLE_HOTLINE] != 2 || roles[wertfachv1.Role_ROLE_PRIVACY_OFFICER] != 2 {
		t.Errorf("got %v, want two of each", roles)
	}
}

// TestNextStart: people are the same ones after it, unless the key is gone.
func TestNextStart(t *testing.T) {
	t.Parallel()
	dir, now := filepath.Join(t.TempDir(), "issuer"), time.Now()
	first := start(t, dir)
	token, err := first.Token(devissuer.People()[0], now)
	if err != nil {
		t.Fatal(err)
	}
	stop(t, first)
	second := start(t, dir)
	if second.URL() == first.URL() { // nobody took the port
		if _, err := identify(t, second, token, now); err != nil {
			t.Errorf("a token of the last start: %v", err)
		}
	}
	stop(t, second)
	if err := os.WriteFile(filepath.Join(dir, "key.pem"), []byte("-----BEGIN"), 0o600); err != nil {
		t.Fatal(err)
	}
	third := start(t, dir)
	defer stop(t, third)
	if _, err := identify(t, third, token, now); err == nil {
		t.Error("a token of a lost key is taken")
	}
}

// TestPortTaken: another program's port is left to it, and an address that is
// not of loopback is not taken from the file.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, text := range []string{taken.Addr().String(), "0.0.0.0:0", "[::]:0", "nonsense", ""} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "address"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		i := start(t, dir)
		if !strings.HasPrefix(i.URL(), "http://127.0.0.1:") || i.URL() == "http://"+taken.Addr().String() {
			t.Errorf("%s: it is %s", text, i.URL())
		}
		stop(t, i)
	}
}

// TestRenew: tokens are written anew well before they end, and those that are
// good are left alone.
func TestRenew(t *testing.T) {
	t.Parallel()
	i, dir, now := start(t, t.TempDir()), t.TempDir(), time.Now()
	defer stop(t, i)
	file := devissuer.TokenFile(dir, devissuer.People()[0].Name)
	renewed := func(at time.Time) bool {
		t.Helper()
		before, _ := os.ReadFile(file)
		if err := i.Renew(dir, at); err != nil {
			t.Fatal(err)
		}
		after, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := identify(t, i, string(bytes.TrimSpace(after)), at); err != nil {
			t.Error(err)
		}
		return !bytes.Equal(before, after)
	}
	for _, step := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {time.Hour, false}, {5 * time.Hour, false}, {7 * time.Hour, true}, {-time.Hour, true}} {
		if renewed(now.Add(step.after)) != step.want {
			t.Errorf("after %v: renewed %t", step.after, !step.want)
		}
	}
	if err := os.WriteFile(file, []byte("cut"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !renewed(now) {
		t.Error("a broken file is left as it is")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(devissuer.People()) {
		t.Errorf("got %v, %v", entries, err)
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", entry.Name(), info.Mode(), err)
		}
	}
}
