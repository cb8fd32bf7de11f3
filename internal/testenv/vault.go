package testenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"text/template"
	"time"

	"github.com/hashicorp/vault/api"
)

// Vault is a real Vault server with one node of raft storage, initialised with
// a single unseal share, unsealed, on loopback without TLS. It keeps everything
// in its folder: configuration, storage and output.
type Vault struct {
	*Process
	client    *api.Client // with the root token
	unsealKey string
}

// StartVault starts a fresh Vault in that folder and returns once it is active.
func StartVault(ctx context.Context, dir string) (*Vault, error) {
	bin, err := Bin("vault")
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("testenv: folder of vault: %w", err)
	}
	p, err := Start(ctx, Command{
		Path:  bin,
		Dir:   dir,
		Ports: 2, // the API and raft's own
		Args:  func(addrs []string) ([]string, error) { return vaultArgs(dir, addrs) },
		Ready: vaultAnswers,
	})
	if err != nil {
		return nil, err
	}
	v := &Vault{Process: p}
	if err := v.initialise(ctx); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return v, nil
}

// vaultConfig is Vault's configuration. Memory locking is off because the
// tests' user may not; the performance multiplier shortens the election of the
// only node from five seconds to one.
const vaultConfig = `disable_mlock = true
api_addr      = "http://{{.API}}"
cluster_addr  = "https://{{.Raft}}"
log_level     = "warn"

storage "raft" {
  path                   = "{{.Data}}"
  node_id                = "one"
  performance_multiplier = 1
}

listener "tcp" {
  address         = "{{.API}}"
  cluster_address = "{{.Raft}}"
  tls_disable     = true
}
`

func vaultArgs(dir string, addrs []string) ([]string, error) {
	data := filepath.Join(dir, "raft")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("testenv: storage of vault: %w", err)
	}
	path := filepath.Join(dir, "vault.hcl")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("testenv: configuration of vault: %w", err)
	}
	values := struct{ API, Raft, Data string }{addrs[0], addrs[1], data}
	err = template.Must(template.New("vault.hcl").Parse(vaultConfig)).Execute(f, values)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("testenv: configuration of vault: %w", err)
	}
	return []string{"server", "-config", path}, nil
}

// vaultAnswers is whether Vault's API is there at all, sealed or not.
func vaultAnswers(ctx context.Context, addrs []string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addrs[0]+"/v1/sys/seal-status", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New("seal status: " + strconv.Itoa(resp.StatusCode))
	}
	return nil
}

func (v *Vault) initialise(ctx context.Context) error {
	client, err := newVaultClient(v.Addr())
	if err != nil {
		return err
	}
	v.client = client
	resp, err := client.Sys().InitWithContext(ctx, &api.InitRequest{SecretShares: 1, SecretThreshold: 1})
	if err != nil {
		return fmt.Errorf("testenv: initialise vault: %w", err)
	}
	if len(resp.Keys) != 1 {
		return errors.New("testenv: initialise vault: no unseal key")
	}
	v.unsealKey = resp.Keys[0]
	client.SetToken(resp.RootToken)
	return v.Unseal(ctx)
}

// newVaultClient makes a client that owes nothing to VAULT_ variables of the
// environment.
func newVaultClient(addr string) (*api.Client, error) {
	client, err := api.NewClient(&api.Config{
		Address:    addr,
		HttpClient: &http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext}},
		Timeout:    30 * time.Second,
	})
	if err != nil {
		return nil, fmt.Errorf("testenv: client of vault: %w", err)
	}
	client.ClearToken()
	client.SetHeaders(http.Header{api.RequestHeaderName: {"true"}})
	client.SetWrappingLookupFunc(func(string, string) string { return "" })
	return client, nil
}

// Addr is Vault's URL, "http://127.0.0.1:port".
func (v *Vault) Addr() string { return "http://" + v.Process.Addr(0) }

// RootToken is the token that may do everything.
func (v *Vault) RootToken() string { return v.client.Token() }

// Client is a client of Vault's own library with the root token.
func (v *Vault) Client() *api.Client { return v.client }

// Seal makes Vault forget its keys: it answers every call with 503 until
// [Vault.Unseal].
func (v *Vault) Seal(ctx context.Context) error {
	if err := v.client.Sys().SealWithContext(ctx); err != nil {
		return fmt.Errorf("testenv: seal vault: %w", err)
	}
	return nil
}

// Unseal unseals Vault and returns once it is active.
func (v *Vault) Unseal(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	if _, err := v.client.Sys().UnsealWithContext(ctx, v.unsealKey); err != nil {
		return fmt.Errorf("testenv: unseal vault: %w", err)
	}
	poll := time.NewTicker(readyPoll)
	defer poll.Stop()
	for {
		// An unsealed node is a standby until raft has elected it.
		h, err := v.client.Sys().HealthWithContext(ctx)
		if err == nil && h.Initialized && !h.Sealed && !h.Standby {
			return nil
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("testenv: vault does not become active: %w", ctx.Err())
		}
	}
}

// Restart stops Vault, where it runs, starts it on the same address and data,
// and unseals it.
func (v *Vault) Restart(ctx context.Context) error {
	if err := v.Process.Restart(ctx); err != nil {
		return err
	}
	return v.Unseal(ctx)
}
