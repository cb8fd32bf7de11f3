package identity

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wertfach/wertfach/custody/fault"
)

// Reasons of refusals, in the `reason` of google.rpc.ErrorInfo.
const (
	// ReasonCertificate is a certificate that says not who it is, or whose URI is
	// not configured.
	ReasonCertificate = "CERTIFICATE_UNKNOWN"
	// ReasonCertificateExpired is a certificate that is not in force now.
	ReasonCertificateExpired = "CERTIFICATE_EXPIRED"
	// ReasonToken is a token that is not one of a known issuer for wertfach.
	ReasonToken = "TOKEN_INVALID"
	// ReasonTokenExpired is a token whose time is over: log in again.
	ReasonTokenExpired = "TOKEN_EXPIRED"
	// ReasonTokenRefused is a token by way of a machine that may not act for
	// people.
	ReasonTokenRefused = "TOKEN_NOT_ALLOWED"
	// ReasonIssuer is an issuer whose keys can't be fetched now.
	ReasonIssuer = "ISSUER_UNAVAILABLE"
)

// Registry knows who there is. It is safe for concurrent use.
//
// The keys of an issuer are fetched when the first token of it comes, so an
// issuer that is away hinders no start. They are fetched anew after 10 minutes,
// while the old ones serve on, and at once for a token whose key is not among
// them; never more often than every 5 seconds, 3 times at once, so nobody makes
// a server hammer an issuer with invented keys. While an issuer is away its last
// keys serve for 12 hours.
type Registry struct {
	now     func() time.Time
	log     *slog.Logger
	timeout time.Duration

	who atomic.Pointer[who]

	mu   sync.Mutex
	keys map[source]*keys // of all issuers in who
}

// who is what a configuration says.
type who struct {
	machines machines
	issuers  map[string]*issuer // by URL
}

// New makes a registry. The error tells all that is wrong in the configuration,
// by keys.
func New(cfg Config) (*Registry, error) {
	r := &Registry{
		now: cfg.Now, timeout: cmp.Or(cfg.Timeout, fetchTimeout), log: cmp.Or(cfg.Log, slog.New(slog.DiscardHandler)),
	}
	if r.now == nil {
		r.now = time.Now
	}
	return r, r.Update(cfg)
}

// Update takes other machines and issuers from now on; clock, timeout and log
// stay. The keys of issuers that stay are kept. With an error nothing changes.
func (r *Registry) Update(cfg Config) error {
	if problems := cfg.Problems(); len(problems) > 0 {
		var lines []string
		for _, p := range problems {
			lines = append(lines, p.Key+" "+p.Rule)
		}
		return fmt.Errorf("identity: %s", strings.Join(lines, "; "))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	next := &who{machines: newMachines(cfg.Machines), issuers: map[string]*issuer{}}
	used := map[source]*keys{}
	for _, i := range cfg.Issuers {
		from := source{issuer: i.URL, jwksURL: i.JWKSURL, caFile: i.CAFile}
		known := r.keys[from]
		if known == nil {
			known = newKeys(from, r.timeout, r.now, r.log)
		}
		used[from] = known
		next.issuers[i.URL] = newIssuer(i, known, r.now)
	}
	r.keys = used
	r.who.Store(next)
	return nil
}

// Identify says who calls: leaf is the client's certificate as TLS verified it,
// authorization the value of the call's metadata of that name, "Bearer TOKEN", or
// "" where there is none; the caller refuses several. The error is a *fault.Error of kind
// Unauthenticated, or of kind Unavailable where the issuer's keys can't be
// fetched, or the one of ctx.
//
// With an error the principal grants nothing, and its ID is what is proved all
// the same: the URI in the certificate, if there is one.
func (r *Registry) Identify(ctx context.Context, leaf *x509.Certificate, authorization string) (Principal, error) {
	known, now := r.who.Load(), r.now()
	uri := uriOf(leaf)
	nobody := Principal{ID: uri}
	if uri == "" {
		return nobody, fault.New(fault.Unauthenticated, ReasonCertificate, "the client certificate must have exactly one URI, of the form spiffe://trust-domain/role/name")
	}
	machine := known.machines.find(uri)
	if machine == nil {
		return nobody, fault.New(fault.Unauthenticated, ReasonCertificate, "the client certificate is of nobody known here")
	}
	if err := valid(leaf, now); err != nil {
		return nobody, err
	}
	if authorization == "" {
		return Principal{ID: uri, Grants: machine.own, Expires: leaf.NotAfter}, nil
	}
	if !machine.people {
		return nobody, fault.New(fault.Unauthenticated, ReasonTokenRefused, "this client may not act for people: it must send no token")
	}
	text, err := bearer(authorization)
	if err != nil {
		return nobody, err
	}
	person, err := known.person(ctx, text)
	if err != nil {
		return nobody, err
	}
	person.Machine = uri
	person.Grants = common(person.Grants, machine.all)
	if leaf.NotAfter.Before(person.Expires) {
		person.Expires = leaf.NotAfter
	}
	return person, nil
}

// common is what is granted in both, by role. In each a role stands once.
func common(a, b []Grant) []Grant {
	var both []Grant
	for _, x := range a {
		for _, y := range b {
			if scope := x.Institutes.Both(y.Institutes); x.Role == y.Role && !scope.Empty() {
				both = append(both, Grant{Role: x.Role, Institutes: scope})
			}
		}
	}
	return both
}
