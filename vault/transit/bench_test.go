package transit_test

import (
	"encoding/base64"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/wertfach/wertfach/internal/testenv"
	"github.com/wertfach/wertfach/vault"
	"github.com/wertfach/wertfach/vault/transit"
)

// BenchmarkUnwrap compares the hot call with the same made through the generic
// methods of Vault's client library, 32 at once. Beside Go's figures it tells
// our own processor time per call, because the server under test takes most of
// the machine's.
func BenchmarkUnwrap(b *testing.B) {
	v := testenv.SharedVault(b)
	keys, mount := prepared(b, v)
	dk, err := keys.Create(b.Context(), "bank-alice", vault.Dossier)
	if err != nil {
		b.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConns: 128, MaxIdleConnsPerHost: 128}
	library, err := api.NewClient(&api.Config{Address: v.Addr(), HttpClient: &http.Client{Transport: transport}})
	if err != nil {
		b.Fatal(err)
	}
	library.SetToken(v.RootToken())
	context := base64.StdEncoding.EncodeToString([]byte(vault.Dossier))

	b.Run("wertfach", func(b *testing.B) {
		measure(b, func() error {
			_, err := keys.Unwrap(b.Context(), "bank-alice", vault.Dossier, dk.Wrapped)
			return err
		})
	})
	b.Run("library", func(b *testing.B) {
		measure(b, func() error {
			s, err := library.Logical().WriteWithContext(b.Context(), mount+"/decrypt/bank-alice",
				map[string]any{"ciphertext": string(dk.Wrapped), "context": context})
			if err != nil {
				return err
			}
			text, _ := s.Data["plaintext"].(string)
			_, err = base64.StdEncoding.DecodeString(text)
			return err
		})
	})
	b.Run("wertfach datakey", func(b *testing.B) {
		measure(b, func() error {
			_, err := keys.DataKey(b.Context(), "bank-alice", vault.Dossier)
			return err
		})
	})
}

// BenchmarkPolicy shows what Vault's default policy costs.
func BenchmarkPolicy(b *testing.B) {
	v := testenv.SharedVault(b)
	root, mount := prepared(b, v)
	dk, err := root.Create(b.Context(), "bank-alice", vault.Dossier)
	if err != nil {
		b.Fatal(err)
	}
	const name = "bench"
	if err := v.Client().Sys().PutPolicyWithContext(b.Context(), name, mayUse(mount)); err != nil {
		b.Fatal(err)
	}
	for run, alone := range map[string]bool{"alone": true, "with the default one": false} {
		s, err := v.Client().Auth().Token().CreateWithContext(b.Context(),
			&api.TokenCreateRequest{Policies: []string{name}, NoDefaultPolicy: alone})
		if err != nil {
			b.Fatal(err)
		}
		d, err := transit.New(b.Context(), transit.Config{
			Address: v.Addr(), Mount: mount, Login: transit.Login{Token: s.Auth.ClientToken},
		})
		if err != nil {
			b.Fatal(err)
		}
		keys := vault.New(d)
		b.Run(run, func(b *testing.B) {
			measure(b, func() error {
				_, err := keys.Unwrap(b.Context(), "bank-alice", vault.Dossier, dk.Wrapped)
				return err
			})
		})
		if err := keys.Close(); err != nil {
			b.Error(err)
		}
	}
}

func measure(b *testing.B, call func() error) {
	b.ReportAllocs()
	b.SetParallelism(16) // times the processors
	before := processorTime(b)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := call(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/float64(b.N), "own-cpu-ns/op")
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
