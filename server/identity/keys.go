package identity

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"github.com/wertfach/wertfach/custody/fault"
)

const (
	// freshFor is how long keys serve before they are fetched anew.
	freshFor = 10 * time.Minute
	// keepFor is how long they serve while they can't be.
	keepFor = 12 * time.Hour
	// fetchEvery and fetchBurst bound how often an issuer is asked.
	fetchEvery = 5 * time.Second
	fetchBurst = 3
	// fetchTimeout is how long an issuer is waited for.
	fetchTimeout = 5 * time.Second
)

// keys are the public keys of one issuer, fetched when they are needed.
type keys struct {
	from    source
	timeout time.Duration
	now     func() time.Time
	log     *slog.Logger
	flight  singleflight.Group

	mu      sync.Mutex
	set     []jose.JSONWebKey
	fetched time.Time // when the set was
	failed  bool      // the last try did
	tries   *rate.Limiter
}

func newKeys(from source, timeout time.Duration, now func() time.Time, log *slog.Logger) *keys {
	return &keys{from: from, timeout: timeout, now: now, log: log, tries: rate.NewLimiter(rate.Every(fetchEvery), fetchBurst)}
}

// signature checks the signature of one token, for the library that checks the
// rest. It keeps its error, which the library would only quote.
type signature struct {
	keys *keys
	err  error
}

// VerifySignature gives the payload of a token with a right signature.
func (s *signature) VerifySignature(ctx context.Context, text string) (payload []byte, err error) {
	payload, s.err = s.keys.verify(ctx, text)
	return payload, s.err
}

// verify gives the payload of a token that one of the keys signed. Which
// algorithms are allowed was looked at before.
func (k *keys) verify(ctx context.Context, text string) ([]byte, error) {
	var all []jose.SignatureAlgorithm
	for _, name := range signatures {
		all = append(all, jose.SignatureAlgorithm(name))
	}
	parsed, err := jose.ParseSignedCompact(text, all)
	if err != nil || len(parsed.Signatures) != 1 {
		return nil, invalid("the token is not a signed JSON Web Token")
	}
	header := parsed.Signatures[0].Header
	set := k.cached(ctx)
	if payload, ok := verify(parsed, set); ok {
		return payload, nil
	}
	if header.KeyID == "" || !slices.ContainsFunc(set, func(key jose.JSONWebKey) bool { return key.KeyID == header.KeyID }) {
		if set, err = k.fetch(ctx); err != nil {
			return nil, err
		}
		if payload, ok := verify(parsed, set); ok {
			return payload, nil
		}
	}
	return nil, invalid("the token's signature is not one of its issuer")
}

// verify tries the keys that a token's header allows.
func verify(parsed *jose.JSONWebSignature, set []jose.JSONWebKey) ([]byte, bool) {
	header := parsed.Signatures[0].Header
	for _, key := range set {
		if header.KeyID != "" && key.KeyID != header.KeyID || key.Algorithm != "" && key.Algorithm != header.Algorithm {
			continue
		}
		if payload, err := parsed.Verify(key.Key); err == nil {
			return payload, true
		}
	}
	return nil, false
}

// cached are the keys that may serve now. Where they are no longer fresh the issuer
// is asked first, since it may have withdrawn one; of an issuer that did not answer
// the last time they serve on, and it is asked meanwhile.
func (k *keys) cached(ctx context.Context) []jose.JSONWebKey {
	k.mu.Lock()
	set, age, failed := k.set, k.now().Sub(k.fetched), k.failed
	k.mu.Unlock()
	switch {
	case age > keepFor:
		return nil
	case age <= freshFor:
	case failed:
		k.begin(ctx)
	default:
		if now, err := k.fetch(ctx); err == nil {
			return now
		}
	}
	return set
}

// errSoon is a fetch that comes too soon after others.
var errSoon = errors.New("the issuer was asked a moment ago")

// fetch gives the keys that the issuer has now. The error is for the caller.
func (k *keys) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case done := <-k.begin(ctx):
		if done.Err == nil {
			set, _ := done.Val.([]jose.JSONWebKey)
			return set, nil
		}
		if errors.Is(done.Err, errSoon) && k.current() {
			return nil, invalid("the token's key is not one of its issuer")
		}
		away := fault.Wrap(done.Err, fault.Unavailable, ReasonIssuer, "the keys of the token's issuer can't be fetched now")
		away.RetryAfter = fetchEvery
		return nil, away
	}
}

// current says whether the keys at hand are those of an issuer that answers.
func (k *keys) current() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.failed && k.set != nil && k.now().Sub(k.fetched) <= keepFor
}

// begin fetches the keys, together with whoever wants them at the same time. The
// fetch goes on when a caller gives up: the others wait for it.
func (k *keys) begin(ctx context.Context) <-chan singleflight.Result {
	return k.flight.DoChan("", func() (any, error) {
		if !k.tries.AllowN(k.now(), 1) {
			return nil, errSoon
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), k.timeout)
		defer cancel()
		set, err := k.from.fetch(ctx)
		k.note(ctx, set, err)
		return set, err
	})
}

// note keeps what a fetch gave, and logs an issuer that goes away or is back.
func (k *keys) note(ctx context.Context, set []jose.JSONWebKey, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case err != nil && !k.failed:
		k.log.WarnContext(ctx, "the issuer's keys can't be fetched", "issuer", k.from.issuer, "cause", err)
	case err == nil && k.failed:
		k.log.InfoContext(ctx, "the issuer's keys are fetched again", "issuer", k.from.issuer)
	}
	k.failed = err != nil
	if err == nil {
		k.set, k.fetched = set, k.now()
	}
}
