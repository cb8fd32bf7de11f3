package transit

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wertfach/wertfach/vault"
)

// lease is a token and for how long Vault takes it.
type lease struct {
	token     string
	ttl       time.Duration // 0 for a token that does not end
	renewable bool
}

// auth is how to get a token and keep it. Its methods are never called at the
// same time.
type auth interface {
	// login gets a lease; it may be on the same token as before.
	login(ctx context.Context) (lease, error)
	// renew extends the token's life.
	renew(ctx context.Context, token string) (lease, error)
	// lookup is nil if Vault takes the token.
	lookup(ctx context.Context, token string) error
	// logout gives back a token that login made.
	logout(ctx context.Context, token string)
}

// session keeps the process known to Vault: it renews the token in time, logs
// in again where a token can't be renewed any further, and goes on trying while
// Vault does not serve.
type session struct {
	auth    auth
	log     *slog.Logger
	current atomic.Pointer[string]
	ends    atomic.Pointer[time.Time] // when the current token ends; zero where it does not

	turn chan struct{} // holds one token: who has it may touch what follows
	held lease
	term time.Duration // of the lease as it was after logging in
	fail int           // attempts in vain since the last good one
	last time.Time     // when replace last asked Vault

	changed chan struct{} // wakes the keeping goroutine
	closed  sync.Once
	stop    context.CancelFunc
	stopped chan struct{}
}

const (
	firstRetry   = time.Second
	longestRetry = 30 * time.Second
	logoutWait   = 2 * time.Second
	// replaceEvery is how often at most a denial makes us ask Vault whether it
	// is the token that is refused.
	replaceEvery = time.Second
)

// newSession logs in and starts to keep the token.
func newSession(ctx context.Context, a auth, log *slog.Logger) (*session, error) {
	s := &session{
		auth:    a,
		log:     log,
		turn:    make(chan struct{}, 1),
		changed: make(chan struct{}, 1),
		stopped: make(chan struct{}),
	}
	if err := s.relogin(ctx); err != nil {
		return nil, err
	}
	// The session serves all later requests, not the one that started it.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.turn <- struct{}{}
	go s.run(background)
	return s, nil
}

// token is the token to call with.
func (s *session) token() string { return *s.current.Load() }

// close stops keeping the token and gives it back. Closing again does nothing.
func (s *session) close() { s.closed.Do(s.end) }

func (s *session) end() {
	s.stop()
	<-s.stopped
	<-s.turn // for good: nobody logs in after this
	ctx, cancel := context.WithTimeout(context.Background(), logoutWait)
	defer cancel()
	s.auth.logout(ctx, s.held.token)
}

// run renews until the session is closed.
func (s *session) run(ctx context.Context) {
	defer close(s.stopped)
	for {
		var due <-chan time.Time
		<-s.turn
		wait, forever := s.wait()
		s.turn <- struct{}{}
		timer := time.NewTimer(wait)
		if !forever {
			due = timer.C
		}
		select {
		case <-ctx.Done():
		case <-s.changed:
		case <-due:
			<-s.turn
			s.keep(ctx)
			s.turn <- struct{}{}
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// wait is how long the lease needs no care: about two thirds of its time, not
// quite the same for each process so that they do not all come at once.
func (s *session) wait() (d time.Duration, forever bool) {
	spread := 0.9 + 0.2*rand.Float64()
	if s.fail > 0 {
		retry := min(firstRetry<<min(s.fail-1, 10), longestRetry)
		return time.Duration(float64(retry) * spread), false
	}
	return time.Duration(float64(s.held.ttl) * spread * 0.65), s.held.ttl == 0
}

// keep renews the lease, or logs in where that does not help.
func (s *session) keep(ctx context.Context) {
	if s.held.renewable {
		renewed, err := s.auth.renew(ctx, s.held.token)
		switch {
		case err == nil:
			s.adopt(renewed)
			if renewed.ttl == 0 || renewed.ttl > s.term/2 {
				return
			}
			// It nears the longest life that Vault gives it.
		case ctx.Err() != nil:
			return
		case errors.Is(err, vault.ErrUnavailable):
			s.fail++
			s.log.Warn("token for Vault not renewed", "attempt", s.fail, "error", err)
			return
		}
	}
	if err := s.relogin(ctx); err != nil && ctx.Err() == nil {
		s.fail++
		s.log.Warn("login to Vault failed", "attempt", s.fail, "error", err)
	}
}

// relogin logs in and starts a new term.
func (s *session) relogin(ctx context.Context) error {
	l, err := s.auth.login(ctx)
	if err != nil {
		return err
	}
	s.adopt(l)
	s.term = l.ttl
	s.log.Info("logged in to Vault", "ttl", l.ttl, "renewable", l.renewable)
	return nil
}

func (s *session) adopt(l lease) {
	s.held, s.fail = l, 0
	s.current.Store(&l.token)
	var ends time.Time
	if l.ttl > 0 {
		ends = time.Now().Add(l.ttl)
	}
	s.ends.Store(&ends)
}

// replace is asked when Vault denied a call with that token. It gives a better
// one where there is one: Vault may have revoked the token, or lost it in a
// restore. A token that Vault does take was denied for want of permission.
func (s *session) replace(ctx context.Context, denied string) (string, bool) {
	select {
	case <-s.turn:
	case <-s.stopped:
		return "", false
	case <-ctx.Done():
		return "", false
	}
	defer func() { s.turn <- struct{}{} }()

	if better := s.token(); better != denied {
		return better, true // another call came first
	}
	if !s.last.IsZero() && time.Since(s.last) < replaceEvery {
		return "", false
	}
	s.last = time.Now()
	if !errors.Is(s.auth.lookup(ctx, denied), vault.ErrDenied) {
		return "", false
	}
	if err := s.relogin(ctx); err != nil {
		s.log.Warn("token for Vault refused, and login failed", "error", err)
		return "", false
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return s.token(), s.token() != denied
}
