package transit_test

import (
	"testing"

	"github.com/wertfach/wertfach/internal/testenv"
	"github.com/wertfach/wertfach/vault"
	"github.com/wertfach/wertfach/vault/transit"
	"github.com/wertfach/wertfach/vault/vaulttest"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// open logs in to a Vault with the root token.
func open(t testing.TB, v *testenv.Vault, mount string) *transit.Transit {
	t.Helper()
	d, err := transit.New(t.Context(), transit.Config{
		Address: v.Addr(), Mount: mount, Login: transit.Login{Token: v.RootToken()},
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestConformance(t *testing.T) {
	t.Parallel()
	vaulttest.Run(t, func(t *testing.T) vault.Driver {
		v := testenv.SharedVault(t)
		return open(t, v, v.FreshMount(t))
	})
}
