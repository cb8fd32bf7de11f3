// Package servertest gives a test the real things that lie around a server's
// calls: who may call, an audit log with its spool and locked store on disk, and
// an issuer of tokens for people.
//
//	edge := servertest.New(t, custodian, keys, store)
//	s, err := server.New(edge.Into(server.Config{…}))
//	…
//	conn := servertest.Anybody(t, edge, dial)   // each RPC by somebody who may call it
package servertest

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/blobstore/embedded"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/internal/devissuer"
	"github.com/wertfach/wertfach/internal/pki"
	"github.com/wertfach/wertfach/server"
	"github.com/wertfach/wertfach/server/identity"
	"github.com/wertfach/wertfach/server/limit"
	"github.com/wertfach/wertfach/vault"
)

// Edge is what lies around a server's calls.
type Edge struct {
	Identity *identity.Registry
	Log      *audit.Log
	Archive  *blobstore.Archive
	Events   *audit.Reader
	Issuer   *devissuer.Issuer
	// SpoolOutage and ArchiveOutage have the audit log fail.
	SpoolOutage, ArchiveOutage Outage
	// Folder is where spool, locked store and issuer keep all that they keep.
	Folder string
}

// closing is how long a log may take to close.
const closing = 10 * time.Second

// New makes it for servers on these back ends: every role of package pki's
// clients, spiffe://…/ROLE/NAME, at every institute, and the sample people of
// devissuer in their groups.
func New(t testing.TB, c *custody.Custodian, keys *vault.Keys, store *blobstore.Store) *Edge {
	t.Helper()
	return NewBounded(t, c, keys, store, 0)
}

// NewBounded is New with a spool that takes so many bytes.
func NewBounded(t testing.TB, c *custody.Custodian, keys *vault.Keys, store *blobstore.Store, spoolBytes int64) *Edge {
	t.Helper()
	e := &Edge{Folder: t.TempDir()}
	archive, err := embedded.OpenArchive(filepath.Join(e.Folder, "audit.db"))
	must(t, err)
	e.Archive = blobstore.NewArchive(archiveDriver{archive, &e.ArchiveOutage})
	t.Cleanup(func() { must(t, e.Archive.Close()) })
	spooled, err := embedded.Open(filepath.Join(e.Folder, "spool.db"))
	must(t, err)
	spool := blobstore.New(spoolDriver{spooled, &e.SpoolOutage})
	t.Cleanup(func() { must(t, spool.Close()) })
	signer := audit.SignWith(keys)
	e.Log, err = audit.Open(context.WithoutCancel(t.Context()), audit.Config{
		Spool: spool, Archive: e.Archive, Heads: store, Signer: signer, MACKey: c.Derive("audit spool"), Server: "test", MaxBytes: spoolBytes,
	})
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), closing)
		defer cancel()
		if err := e.Log.Close(ctx); err != nil {
			t.Logf("the audit log was not closed: %v", err) // where a test took away what it needs
		}
	})
	e.Events = &audit.Reader{Segments: e.Archive, Heads: audit.HeadsIn(store), Keys: signer.PublicKeys}
	e.Issuer, err = devissuer.Start(filepath.Join(e.Folder, "issuer"))
	must(t, err)
	t.Cleanup(func() { must(t, e.Issuer.Close()) })
	e.Identity, err = identity.New(e.Who("*"))
	must(t, err)
	return e
}

// Who is a configuration of callers: clients of every role, and the sample
// people, at these institutes.
func (e *Edge) Who(institutes ...string) identity.Config {
	var who identity.Config
	for _, role := range Roles() {
		who.Machines = append(who.Machines, identity.Machine{
			URI: "spiffe://" + pki.TrustDomain + "/" + role + "/*", Roles: []string{role}, Institutes: institutes,
		})
	}
	who.Issuers = []identity.Issuer{{URL: e.Issuer.URL(), Audience: devissuer.Audience, Groups: []identity.Group{
		{Group: devissuer.Hotline, Roles: []string{"hotline"}, Institutes: institutes},
		{Group: devissuer.Officers, Roles: []string{"privacy-officer"}, Institutes: institutes},
	}}}
	return who
}

// Into fills in what a server's configuration lacks.
func (e *Edge) Into(c server.Config) server.Config {
	if c.Identity == nil {
		c.Identity = e.Identity
	}
	if c.Record == nil {
		c.Record = e.Log
	}
	if c.Limits == nil {
		most := limit.Rates{Read: 1e6, Write: 1e6, Reveal: 1e6, Verify: 1e6, Burst: 1, Concurrent: 1e6, Streams: 1e6}
		c.Limits = limit.New(most, most, nil)
	}
	if c.Events == nil {
		c.Events = e.Events
	}
	return c
}

// Flush waits until all that was recorded is in the locked store, which may just
// have come back.
func (e *Edge) Flush(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), closing)
	defer cancel()
	err := audit.ErrUnavailable
	for errors.Is(err, audit.ErrUnavailable) && ctx.Err() == nil {
		err = e.Log.Record(ctx, audit.Event{ID: "flush", Action: FlushAction, Code: "OK"}, audit.Locked)
	}
	must(t, err)
}

// FlushAction is the action of events that [Edge.Flush] makes.
const FlushAction = "Test/Flush"

// Recorded are the events in the locked store from a moment on, those of Flush
// left out.
func (e *Edge) Recorded(t testing.TB, from time.Time) []audit.Event {
	t.Helper()
	e.Flush(t)
	var all []audit.Event
	q := audit.Query{From: from, To: time.Now().Add(time.Hour), Size: 1000}
	for {
		page, err := e.Events.List(t.Context(), q)
		must(t, err)
		for _, event := range page.Events {
			if event.Action != FlushAction {
				all = append(all, event)
			}
		}
		if q.Token = page.Next; q.Token == "" {
			return all
		}
	}
}

// Token is a token of a sample person of that group.
func (e *Edge) Token(t testing.TB, group string) string { t.Helper(); return e.token(t, group, 0) }

// SecondToken is one of another sample person of the group.
func (e *Edge) SecondToken(t testing.TB, group string) string {
	t.Helper()
	return e.token(t, group, 1)
}

func (e *Edge) token(t testing.TB, group string, n int) string {
	t.Helper()
	for _, p := range devissuer.People() {
		if p.Groups[0] != group {
			continue
		}
		if n--; n < 0 {
			token, err := e.Issuer.Token(p, time.Now())
			must(t, err)
			return token
		}
	}
	t.Fatalf("too few are in the group %s", group)
	return ""
}

// Roles are all roles as certificates name them.
func Roles() []string {
	var names []string
	for _, role := range identity.Roles() {
		names = append(names, identity.RoleName(role))
	}
	return names
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
