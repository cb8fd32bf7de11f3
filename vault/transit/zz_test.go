package transit_test

import (
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/wertfach/wertfach/internal/testenv"
	"github.com/wertfach/wertfach/vault"
	"github.com/wertfach/wertfach/vault/transit"
)

func BenchmarkTokens(b *testing.B) {
	v := testenv.SharedVault(b)
	root, mount := prepared(b, v)
	dk, err := root.Create(b.Context(), "bank-alice", vault.Dossier)
	if err != nil {
		b.Fatal(err)
	}
	if err := v.Client().Sys().PutPolicyWithContext(b.Context(), "use", mayUse(mount)); err != nil {
		b.Fatal(err)
	}
	for _, typ := range []string{"root", "service", "batch"} {
		b.Run(typ, func(b *testing.B) {
			tok := v.RootToken()
			if typ != "root" {
				no := false
				s, err := v.Client().Auth().Token().CreateWithContext(b.Context(), &api.TokenCreateRequest{Type: typ, Policies: []string{"use"}, TTL: "1h", Renewable: &no})
				if err != nil {
					b.Fatal(err)
				}
				tok = s.Auth.ClientToken
			}
			d, err := transit.New(b.Context(), transit.Config{Address: v.Addr(), Mount: mount, Login: transit.Login{Token: tok}})
			if err != nil {
				b.Fatal(err)
			}
			keys := vault.New(d)
			measure(b, func() error {
				_, err := keys.Unwrap(b.Context(), "bank-alice", vault.Dossier, dk.Wrapped)
				return err
			})
		})
	}
}
