package faults

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/devissuer"
	"github.com/wertfach/wertfach/internal/minioadmin"
	"github.com/wertfach/wertfach/internal/node"
	"github.com/wertfach/wertfach/internal/pki"
	"github.com/wertfach/wertfach/internal/servertest"
	"github.com/wertfach/wertfach/internal/testenv"
)

const (
	bank = "institutes/musterbank"
	// spoolSize is how much of the audit log may wait for the audit bucket: some
	// hundred calls, so that it can be filled.
	spoolSize = 128 << 10
)

// servers are the real ones, and the proxy before them.
type servers struct {
	vault *testenv.Vault
	minio *testenv.Minio
	proxy *testenv.Toxiproxy
}

func newServers(t testing.TB) servers {
	t.Helper()
	return servers{testenv.NewVault(t), testenv.NewMinio(t), testenv.NewToxiproxy(t)}
}

// away is a server that can be made to fail, and the way to it.
type away struct {
	*testenv.Proxy          // what the server connects to
	http           *breaker // behind it
}

func (s servers) away(t testing.TB, addr string) away {
	t.Helper()
	b := newBreaker(t, addr)
	p, err := s.proxy.Proxy(t.Context(), b.addr())
	ok(t, err)
	return away{p, b}
}

// deployment is one wertfach server at work, with a mount and buckets of its own.
type deployment struct {
	servers
	name        string // of its mount, and part of its buckets' names
	keys, store away
	login       testenv.AppRoleFiles
	admin       *minioadmin.Client
	access      s3Keys
	spool       string // the audit spool's file
	clock       clock
	issuer      *devissuer.Issuer
	node        *node.Node
	conn        grpc.ClientConnInterface // each RPC by somebody who may call it
	conns       []*grpc.ClientConn
	health      healthv1.HealthClient
	log         *journal
}

func (d *deployment) bucket() string      { return d.name + "-objects" }
func (d *deployment) auditBucket() string { return d.name + "-record" }

// deploy starts a server of that name, which is stopped when the test ends.
func (s servers) deploy(t testing.TB, name string) *deployment {
	t.Helper()
	d := &deployment{servers: s, name: name, log: &journal{}, spool: filepath.Join(t.TempDir(), "spool.db")}
	d.keys = s.away(t, strings.TrimPrefix(s.vault.Addr(), "http://"))
	d.store = s.away(t, s.minio.Addr(0))
	d.allow(t)
	d.allowStore(t)
	d.start(t)
	return d
}

// confidential is what no message may hold beside what was asked.
func (d *deployment) confidential() []string {
	return []string{
		d.keys.Addr(), d.store.Addr(), d.keys.http.addr(), d.store.http.addr(), strings.TrimPrefix(d.vault.Addr(), "http://"), d.minio.Addr(0),
		"127.0.0.1", "localhost", d.bucket(), d.auditBucket(), d.spool, d.name + "/", d.access.secret, d.minio.AccessKey, d.minio.SecretKey,
		d.vault.RootToken(), "hvs.",
	}
}

// allow gives the server an AppRole that may do what a server does and, so that
// an erasure is done at once, what a sweep does.
func (d *deployment) allow(t testing.TB) {
	t.Helper()
	var err error
	d.login, err = d.vault.AppRole(t.Context(), testenv.AppRole{Name: d.name, Policy: `
		path "` + d.name + `/*" { capabilities = ["create", "read", "update", "delete", "list"] }
		path "sys/mounts/*"     { capabilities = ["create", "read", "update"] }
		path "auth/token/*"     { capabilities = ["read", "update"] }`})
	ok(t, err)
}

// s3Keys are what the server logs in with at MinIO.
type s3Keys struct{ secret, idFile, secretFile string }

// allowStore gives the server a user of its own in MinIO.
func (d *deployment) allowStore(t testing.TB) {
	t.Helper()
	var err error
	d.admin, err = minioadmin.New(minioadmin.Config{
		Endpoint: d.minio.Endpoint, Region: testenv.MinioRegion, AccessKeyFile: d.minio.AccessKeyFile, SecretKeyFile: d.minio.SecretKeyFile,
	})
	ok(t, err)
	dir := t.TempDir()
	d.access = s3Keys{rand.Text(), filepath.Join(dir, "id"), filepath.Join(dir, "secret")}
	ok(t, d.permit(t.Context(), true))
	ok(t, d.admin.PutUser(t.Context(), d.name, d.access.secret))
	ok(t, d.admin.Attach(t.Context(), d.name, d.name))
	ok(t, os.WriteFile(d.access.idFile, []byte(d.name), 0o600))
	ok(t, os.WriteFile(d.access.secretFile, []byte(d.access.secret), 0o600))
}

// start starts the server and connects to it.
func (d *deployment) start(t testing.TB) {
	t.Helper()
	authority, err := pki.Open(t.TempDir(), time.Now())
	ok(t, err)
	server, err := authority.Server("127.0.0.1")
	ok(t, err)
	d.issuer, err = devissuer.Start(t.TempDir())
	ok(t, err)
	c := &config.Config{
		Listen:     "127.0.0.1:0",
		TLS:        config.TLS{CertFile: server.CertFile, KeyFile: server.KeyFile, ClientCAFile: authority.CAFile()},
		Institutes: []config.Institute{{ID: strings.TrimPrefix(bank, "institutes/")}},
		Issuers: []config.Issuer{{URL: d.issuer.URL(), Audience: devissuer.Audience, Groups: []config.Group{
			{Group: devissuer.Officers, Roles: []string{"privacy-officer"}, Institutes: []string{"*"}},
		}}},
		Vault: &config.Vault{Address: "http://" + d.keys.Addr(), TransitMount: d.name, Auth: config.VaultAuth{AppRole: &config.AppRole{
			RoleIDFile: d.login.RoleID, SecretIDFile: d.login.SecretID,
		}}},
		S3: &config.S3{
			Endpoint: "http://" + d.store.Addr(), Bucket: d.bucket(),
			AccessKeyFile: d.access.idFile, SecretKeyFile: d.access.secretFile,
		},
		Audit:        config.Audit{SpoolFile: d.spool, SpoolSize: spoolSize, Bucket: d.auditBucket()},
		StartTimeout: patience, ShutdownTimeout: patience,
	}
	for _, role := range servertest.Roles() {
		c.Callers = append(c.Callers, config.Caller{
			URI: "spiffe://" + pki.TrustDomain + "/" + role + "/*", Roles: []string{role}, Institutes: []string{"*"},
		})
	}
	d.node, err = node.Start(t.Context(), node.Options{Config: c, Prepare: true, Now: d.clock.now, Log: slog.New(slog.NewTextHandler(d.log, nil))})
	ok(t, err)
	t.Cleanup(func() { d.stop(t) })
	d.conn = servertest.Anybody(t, &servertest.Edge{Issuer: d.issuer}, func(role string) *grpc.ClientConn { return d.dial(t, authority, role) })
	d.health = healthv1.NewHealthClient(d.conns[0])
}

func (d *deployment) stop(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	for _, conn := range d.conns {
		_ = conn.Close()
	}
	if err := errors.Join(d.node.Stop(ctx), d.issuer.Close()); err != nil {
		t.Error(err)
	}
}

// dial opens a bare connection, which adds nothing to requests and repeats none.
func (d *deployment) dial(t testing.TB, authority *pki.Authority, role string) *grpc.ClientConn {
	t.Helper()
	pair, err := authority.Client(role, "faults")
	ok(t, err)
	own, err := tls.LoadX509KeyPair(pair.CertFile, pair.KeyFile)
	ok(t, err)
	pem, err := os.ReadFile(authority.CAFile())
	ok(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	conn, err := grpc.NewClient(d.node.Address(), grpc.WithTransportCredentials(credentials.NewTLS(
		&tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots, Certificates: []tls.Certificate{own}})))
	ok(t, err)
	d.conns = append(d.conns, conn)
	return conn
}

// serving is whether the server says that it serves.
func (d *deployment) serving(t testing.TB) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	answer, err := d.health.Check(ctx, &healthv1.HealthCheckRequest{})
	if err != nil {
		t.Error(err) // not Fatal: also called from goroutines of a test
	}
	return answer.GetStatus() == healthv1.HealthCheckResponse_SERVING
}

// journal is what the server logs.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}
