package transit_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/vault"
	"github.com/wertfach/wertfach/vault/transit"
)

// ownCertificate is a self-signed certificate and its key, in DER.
func ownCertificate(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	if cert, err = x509.CreateCertificate(rand.Reader, template, template, private.Public(), private); err != nil {
		t.Fatal(err)
	}
	if key, err = x509.MarshalPKCS8PrivateKey(private); err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	const secret = "hvs.secret"
	for name, c := range map[string]transit.Config{
		"no address":            {Login: transit.Login{Token: secret}},
		"no URL":                {Address: "::" + secret, Login: transit.Login{Token: secret}},
		"no scheme":             {Address: "127.0.0.1:8200", Login: transit.Login{Token: secret}},
		"other scheme":          {Address: "unix:///run/vault", Login: transit.Login{Token: secret}},
		"user in URL":           {Address: "https://user:" + secret + "@127.0.0.1", Login: transit.Login{Token: secret}},
		"query in URL":          {Address: "https://127.0.0.1?token=" + secret, Login: transit.Login{Token: secret}},
		"plain to a host":       {Address: "http://vault.example:8200", Login: transit.Login{Token: secret}},
		"plain to an address":   {Address: "http://192.0.2.1:8200", Login: transit.Login{Token: secret}},
		"plain to a look-alike": {Address: "http://127.0.0.1.example:8200", Login: transit.Login{Token: secret}},
		"mount climbs":          {Address: "http://127.0.0.1:1", Mount: "a/../sys", Login: transit.Login{Token: secret}},
		"mount with a query":    {Address: "http://127.0.0.1:1", Mount: "a?b", Login: transit.Login{Token: secret}},
		"role mount climbs":     {Address: "http://127.0.0.1:1", Login: transit.Login{Token: secret, AppRoleMount: ".."}},
		"no login":              {Address: "http://127.0.0.1:1"},
		"two logins":            {Address: "http://127.0.0.1:1", Login: transit.Login{Token: secret, TokenFile: "f"}},
		"half an AppRole":       {Address: "http://127.0.0.1:1", Login: transit.Login{RoleIDFile: "f"}},
		"half a certificate":    {Address: "https://127.0.0.1:1", CertFile: "f", Login: transit.Login{Token: secret}},
		"negative timeout":      {Address: "https://127.0.0.1:1", Timeout: -1, Login: transit.Login{Token: secret}},
	} {
		_, err := transit.New(t.Context(), c)
		if err == nil || errors.Is(err, vault.ErrUnavailable) || errors.Is(err, vault.ErrDenied) {
			t.Errorf("%s: got error %v, want one about the configuration", name, err)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error repeats the input", name)
		}
	}
}

// TestPlainLoopback: these go as far as to try.
func TestPlainLoopback(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1/", "https://127.0.0.1:1/vault"} {
		_, err := transit.New(t.Context(), transit.Config{Address: address, Login: transit.Login{Token: "token"}})
		if !errors.Is(err, vault.ErrUnavailable) {
			t.Errorf("%s: got error %v, want %v", address, err, vault.ErrUnavailable)
		}
	}
}
