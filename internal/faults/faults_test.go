package faults

import (
	"context"
	"errors"
	"os"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wertfach/wertfach/internal/testenv"
)

// A fault is something that goes wrong with the back ends.
type fault struct {
	name       string
	begin, end func(context.Context) error
	// ends are the codes that a call of that RPC may end with.
	ends func(rpc protoreflect.Name) []codes.Code
	// late is a fault in which requests arrive and answers do not: what was asked
	// for may have been done.
	late bool
	// silent is a fault in which no answer comes.
	silent bool
	// keysLeft is how many keys may be left that nothing belongs to.
	keysLeft int
	// healthy is whether the server says that it serves nevertheless.
	healthy bool
}

// deadline is what callers allow.
func (f fault) deadline() time.Duration {
	if f.silent {
		return short
	}
	return deadline
}

// all is the same codes for every RPC.
func all(want ...codes.Code) func(protoreflect.Name) []codes.Code {
	return func(protoreflect.Name) []codes.Code { return want }
}

// some is those codes for some RPCs, and success for the others.
func some(code codes.Code, rpcs ...protoreflect.Name) func(protoreflect.Name) []codes.Code {
	return func(rpc protoreflect.Name) []codes.Code {
		for _, one := range rpcs {
			if rpc == one {
				return []codes.Code{code}
			}
		}
		return []codes.Code{codes.OK}
	}
}

// faults are all that are tried.
func (d *deployment) faults() []fault {
	list := append(common("Vault", d.keys, 0), common("MinIO", d.store, 1)...)
	return append(list,
		fault{
			name: "Vault stopped", ends: all(codes.Unavailable),
			begin: func(context.Context) error { return d.vault.Stop() }, end: d.vault.Restart,
		},
		fault{name: "Vault sealed", ends: all(codes.Unavailable), begin: d.vault.Seal, end: d.vault.Unseal},
		fault{name: "token revoked", ends: all(codes.OK), healthy: true, begin: d.revoke, end: nothing},
		fault{name: "login revoked", ends: all(codes.Unavailable), begin: d.lockOut, end: d.letIn},
		fault{
			name: "MinIO stopped", ends: all(codes.Unavailable), keysLeft: 1,
			begin: func(context.Context) error { return d.minio.Stop() }, end: d.minio.Restart,
		},
		d.store.meddled("a clock that is off", late, fault{ends: all(codes.Unavailable), keysLeft: 1}),
		d.store.meddled("MinIO cutting scans", cutting("/scans/"), fault{
			ends: some(codes.Unavailable, "UploadScan", "DownloadScan"), healthy: true,
		}),
	)
}

// common are the faults of any server that is away.
func common(name string, a away, keysLeft int) []fault {
	unavailable, slow := fault{ends: all(codes.Unavailable), keysLeft: keysLeft}, fault{ends: all(codes.DeadlineExceeded, codes.Unavailable), silent: true, keysLeft: keysLeft}
	late := func(f fault) fault { f.late = true; return f }
	cut := unavailable
	cut.healthy = name == "MinIO" // whose answer to a probe has no body
	gone := unavailable
	gone.name, gone.begin, gone.end = name+" unreachable", a.Disable, a.Enable
	return []fault{
		gone,
		a.poisoned(name+" resetting connections", testenv.Reset(), late(unavailable)),
		a.poisoned(name+" silent", testenv.Silence().Upstream(), slow),
		a.poisoned(name+" slow", testenv.Latency(time.Hour), late(slow)),
		a.meddled(name+" failing", failing(), unavailable),
		a.meddled(name+" behind a login page", nonsense, unavailable),
		a.meddled(name+" not where it was", misrouted, unavailable),
		a.meddled(name+" losing answers", deaf, late(unavailable)),
		a.meddled(name+" cutting bodies", cutting(""), cut),
	}
}

func nothing(context.Context) error { return nil }

// poisoned is a fault of connections.
func (a away) poisoned(name string, x testenv.Toxic, f fault) fault {
	f.name, f.end = name, a.Clear
	f.begin = func(ctx context.Context) error { return a.Add(ctx, x) }
	return f
}

// meddled is a fault of HTTP.
func (a away) meddled(name string, m meddling, f fault) fault {
	f.name = name
	f.begin = func(context.Context) error { a.http.set(m); return nil }
	f.end = func(context.Context) error { a.http.clear(); return nil }
	return f
}

// revoke revokes all tokens that were given for the AppRole, the server's among
// them.
func (d *deployment) revoke(ctx context.Context) error {
	return d.vault.Client().Sys().RevokePrefixWithContext(ctx, "auth/approle/login")
}

// lockOut takes the secret id away as well, so that the server can't log in again.
func (d *deployment) lockOut(ctx context.Context) error {
	secret, err := os.ReadFile(d.login.SecretID)
	if err != nil {
		return err
	}
	_, err = d.vault.Client().Logical().WriteWithContext(ctx, "auth/approle/role/wertfach/secret-id/destroy",
		map[string]any{"secret_id": string(secret[:len(secret)-1])})
	return errors.Join(err, d.revoke(ctx))
}

// letIn puts a new secret id where the old one was.
func (d *deployment) letIn(ctx context.Context) error {
	answer, err := d.vault.Client().Logical().WriteWithContext(ctx, "auth/approle/role/wertfach/secret-id", nil)
	if err != nil {
		return err
	}
	secret, _ := answer.Data["secret_id"].(string)
	return os.WriteFile(d.login.SecretID, []byte(secret+"\n"), 0o600)
}
