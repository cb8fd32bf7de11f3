package faults

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"google.golang.org/grpc"
	transport "google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/devissuer"
	"github.com/wertfach/wertfach/internal/node"
	"github.com/wertfach/wertfach/internal/pki"
	"github.com/wertfach/wertfach/internal/servertest"
	"github.com/wertfach/wertfach/internal/testenv"
)

const (
	bank        = "institutes/musterbank"
	auditBucket = "record-of-the-bank"
	// spoolSize is how much of the audit log may wait for the audit bucket: some
	// hundred calls, so that it can be filled.
	spoolSize = 128 << 10
)

// away is a server that can be made to fail, and the way to it.
type away struct {
	*testenv.Proxy          // what the server connects to
	http           *breaker // behind it
}

// deployment is one server at work on back ends of its own.
type deployment struct {
	vault        *testenv.Vault
	minio        *testenv.Minio
	keys, store  away
	login        testenv.AppRoleFiles
	bucket       string
	spool        string // the audit spool's file
	issuer       *devissuer.Issuer
	node         *node.Node
	conn         grpc.ClientConnInterface // each RPC by somebody who may call it
	conns        []*grpc.ClientConn
	health       healthv1.HealthClient
	log          *journal
	confidential []string // what no message may hold
}

// deploy starts the back ends. They are stopped when the test ends.
func deploy(t testing.TB) *deployment {
	t.Helper()
	d := &deployment{bucket: "objects-of-the-bank", log: &journal{}, spool: filepath.Join(t.TempDir(), "spool.db"), vault: testenv.NewVault(t), minio: testenv.NewMinio(t)}
	x := testenv.NewToxiproxy(t)
	d.keys = newAway(t, x, strings.TrimPrefix(d.vault.Addr(), "http://"))
	d.store = newAway(t, x, d.minio.Addr(0))
	d.allow(t)
	d.confidential = []string{
		d.keys.Addr(), d.store.Addr(), d.keys.http.addr(), d.store.http.addr(), strings.TrimPrefix(d.vault.Addr(), "http://"), d.minio.Addr(0),
		"127.0.0.1", "localhost", d.bucket, auditBucket, d.spool, "transit/", d.minio.AccessKey, d.minio.SecretKey, d.vault.RootToken(), "hvs.",
	}
	return d
}

func newAway(t testing.TB, x *testenv.Toxiproxy, upstream string) away {
	t.Helper()
	b := newBreaker(t, upstream)
	p, err := x.Proxy(t.Context(), b.addr())
	ok(t, err)
	return away{p, b}
}

// allow gives the server an AppRole that may do what a server does and, so that
// an erasure is done at once, what a sweep does.
func (d *deployment) allow(t testing.TB) {
	t.Helper()
	var err error
	d.login, err = d.vault.AppRole(t.Context(), testenv.AppRole{Name: "wertfach", Policy: `
		path "transit/*"      { capabilities = ["create", "read", "update", "delete", "list"] }
		path "sys/mounts/*"   { capabilities = ["create", "read", "update"] }
		path "auth/token/*"   { capabilities = ["read", "update"] }`})
	ok(t, err)
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
		Vault: &config.Vault{Address: "http://" + d.keys.Addr(), Auth: config.VaultAuth{AppRole: &config.AppRole{
			RoleIDFile: d.login.RoleID, SecretIDFile: d.login.SecretID,
		}}},
		S3: &config.S3{
			Endpoint: "http://" + d.store.Addr(), Bucket: d.bucket,
			AccessKeyFile: d.minio.AccessKeyFile, SecretKeyFile: d.minio.SecretKeyFile,
		},
		Audit:        config.Audit{SpoolFile: d.spool, SpoolSize: spoolSize, Bucket: auditBucket},
		StartTimeout: patience, ShutdownTimeout: patience,
	}
	for _, role := range servertest.Roles() {
		c.Callers = append(c.Callers, config.Caller{
			URI: "spiffe://" + pki.TrustDomain + "/" + role + "/*", Roles: []string{role}, Institutes: []string{"*"},
		})
	}
	d.node, err = node.Start(t.Context(), node.Options{Config: c, Prepare: true, Log: slog.New(slog.NewTextHandler(d.log, nil))})
	ok(t, err)
	t.Cleanup(func() { d.stop(t) })
	d.conn = servertest.Anybody(t, &servertest.Edge{Issuer: d.issuer}, func(role string) *grpc.ClientConn { return d.dial(t, authority, role) })
	d.health = healthv1.NewHealthClient(d.conns[0])
}

// stop stops the server, once.
func (d *deployment) stop(t testing.TB) {
	t.Helper()
	if d.node == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	for _, conn := range d.conns {
		_ = conn.Close()
	}
	if err := errors.Join(d.node.Stop(ctx), d.issuer.Close()); err != nil {
		t.Error(err)
	}
	d.node = nil
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
	conn, err := grpc.NewClient(d.node.Address(), grpc.WithTransportCredentials(transport.NewTLS(
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

// snapshot is all that is kept, asked past the faults: the objects and keys, and
// the etag of each object.
func (d *deployment) snapshot(t testing.TB) map[string]string {
	t.Helper()
	kept := map[string]string{}
	client, err := minio.New(d.minio.Addr(0), &minio.Options{
		Creds: credentials.NewStaticV4(d.minio.AccessKey, d.minio.SecretKey, ""), Region: testenv.MinioRegion,
		Transport: &http.Transport{DisableKeepAlives: true}, // leaves nothing running
	})
	ok(t, err)
	for o := range client.ListObjectsIter(t.Context(), d.bucket, minio.ListObjectsOptions{Recursive: true}) {
		ok(t, o.Err)
		if !strings.HasPrefix(o.Key, segment.HeadFolder) { // of the audit log, which goes on
			kept["object "+o.Key] = o.ETag
		}
	}
	for _, name := range transitKeys(t, d.vault.Client()) {
		kept["key "+name] = ""
	}
	return kept
}

func transitKeys(t testing.TB, client *api.Client) []string {
	t.Helper()
	answer, err := client.Logical().ListWithContext(t.Context(), "transit/keys")
	ok(t, err)
	listed, _ := answer.Data["keys"].([]any)
	if len(listed) == 0 {
		t.Fatal("no keys in Vault")
	}
	var names []string
	for _, name := range listed {
		name, _ := name.(string)
		names = append(names, name)
	}
	return names
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
