package transit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wertfach/wertfach/vault"
)

// fakeAuth is a Vault that knows tokens only. Under synctest its time is fake.
type fakeAuth struct {
	mu      sync.Mutex
	ttl     time.Duration // of a login and of a renewal; 0 for ever
	max     time.Duration // a token's longest life; 0 for no limit
	down    bool          // answers nothing
	strict  bool          // refuses to log in
	logins  int
	renewed int
	until   map[string]time.Time // when a token ends
	born    map[string]time.Time
	out     []string // tokens given back
}

func (f *fakeAuth) login(context.Context) (lease, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return lease{}, vault.ErrUnavailable
	}
	if f.strict {
		return lease{}, vault.ErrDenied
	}
	if f.until == nil {
		f.until, f.born = map[string]time.Time{}, map[string]time.Time{}
	}
	f.logins++
	token := fmt.Sprint("token-", f.logins)
	f.born[token] = time.Now()
	return f.extend(token), nil
}

func (f *fakeAuth) extend(token string) lease {
	ttl := f.ttl
	if left := time.Until(f.born[token].Add(f.max)); f.max > 0 && left < ttl {
		ttl = left
	}
	f.until[token] = time.Now().Add(ttl)
	if f.ttl == 0 {
		f.until[token] = time.Now().AddDate(100, 0, 0)
	}
	return lease{token: token, ttl: ttl, renewable: f.ttl > 0}
}

func (f *fakeAuth) renew(_ context.Context, token string) (lease, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return lease{}, vault.ErrUnavailable
	}
	if !time.Now().Before(f.until[token]) {
		return lease{}, vault.ErrDenied
	}
	f.renewed++
	return f.extend(token), nil
}

func (f *fakeAuth) lookup(_ context.Context, token string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return vault.ErrUnavailable
	}
	if !time.Now().Before(f.until[token]) {
		return vault.ErrDenied
	}
	return nil
}

func (f *fakeAuth) logout(_ context.Context, token string) { f.out = append(f.out, token) }

func (f *fakeAuth) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// withSession runs a test on a session; synctest fails it if a goroutine is
// left over after the session is closed.
func withSession(t *testing.T, f *fakeAuth, test func(*testing.T, *session)) {
	synctest.Test(t, func(t *testing.T) {
		s, err := newSession(t.Context(), f, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		test(t, s)
		last := s.token()
		s.close()
		s.close()
		if len(f.out) != 1 || f.out[0] != last {
			t.Errorf("gave back %v, want the last token once", f.out)
		}
	})
}

// valid checks over that time, second by second, that the token is good.
func valid(t *testing.T, f *fakeAuth, s *session, over time.Duration) {
	t.Helper()
	for end := time.Now().Add(over); time.Now().Before(end); time.Sleep(time.Second) {
		if f.lookup(t.Context(), s.token()) != nil {
			t.Fatalf("the token has ended, %v before the end", time.Until(end))
		}
	}
}

func TestSessionRenews(t *testing.T) {
	t.Parallel()
	f := &fakeAuth{ttl: time.Hour}
	withSession(t, f, func(t *testing.T, s *session) {
		valid(t, f, s, 24*time.Hour)
		if f.logins != 1 || f.renewed < 24 || f.renewed > 48 {
			t.Errorf("%d logins and %d renewals in a day", f.logins, f.renewed)
		}
	})
}

func TestSessionLogsInAgainNearTheLongestLife(t *testing.T) {
	t.Parallel()
	f := &fakeAuth{ttl: time.Hour, max: 4 * time.Hour}
	withSession(t, f, func(t *testing.T, s *session) {
		valid(t, f, s, 24*time.Hour)
		if f.logins < 6 || f.logins > 12 {
			t.Errorf("%d logins in a day", f.logins)
		}
	})
}

func TestSessionLeavesAnEndlessTokenAlone(t *testing.T) {
	t.Parallel()
	f := &fakeAuth{}
	withSession(t, f, func(t *testing.T, s *session) {
		valid(t, f, s, 24*time.Hour)
		if f.logins != 1 || f.renewed != 0 {
			t.Errorf("%d logins and %d renewals", f.logins, f.renewed)
		}
	})
}

// TestSessionOutlastsAnOutage: Vault is gone for longer than the token lives.
func TestSessionOutlastsAnOutage(t *testing.T) {
	t.Parallel()
	f := &fakeAuth{ttl: time.Hour}
	withSession(t, f, func(t *testing.T, s *session) {
		f.set(func() { f.down = true })
		time.Sleep(5 * time.Hour)
		f.set(func() { f.down = false })
		time.Sleep(2 * longestRetry)
		valid(t, f, s, 5*time.Hour)
		if f.logins != 2 {
			t.Errorf("%d logins, want 2", f.logins)
		}
	})
}

func TestSessionReplacesARevokedToken(t *testing.T) {
	t.Parallel()
	f := &fakeAuth{ttl: time.Hour}
	withSession(t, f, func(t *testing.T, s *session) {
		old := s.token()
		if _, ok := s.replace(t.Context(), old); ok {
			t.Error("replaced a good token")
		}
		time.Sleep(replaceEvery)
		f.set(func() { f.until[old] = time.Now() })

		var all sync.WaitGroup
		for range 10 { // all calls in flight are denied at once
			all.Go(func() {
				if better, ok := s.replace(t.Context(), old); !ok || better == old {
					t.Error("a revoked token was not replaced")
				}
			})
		}
		all.Wait()
		if f.logins != 2 {
			t.Errorf("%d logins, want 2", f.logins)
		}
		valid(t, f, s, 5*time.Hour)
	})
}

// TestSessionAsksSeldom: where logging in does not help, denials do not turn
// into a storm of logins.
func TestSessionAsksSeldom(t *testing.T) {
	t.Parallel()
	f := &fakeAuth{ttl: time.Hour}
	withSession(t, f, func(t *testing.T, s *session) {
		f.set(func() { f.until[s.token()], f.strict = time.Now(), true })
		for range 100 {
			if _, ok := s.replace(t.Context(), s.token()); ok {
				t.Fatal("replaced by what?")
			}
		}
		f.set(func() { f.strict = false })
		if _, ok := s.replace(t.Context(), s.token()); ok {
			t.Error("asked again within a second")
		}
		time.Sleep(replaceEvery)
		if _, ok := s.replace(t.Context(), s.token()); !ok {
			t.Error("did not ask again after a second")
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		<-s.turn // as if another one were logging in
		if _, ok := s.replace(ended, s.token()); ok {
			t.Error("waited beyond its context")
		}
		s.turn <- struct{}{}
	})
}

func TestSessionNeedsALogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, err := newSession(t.Context(), &fakeAuth{strict: true}, slog.New(slog.DiscardHandler))
		if !errors.Is(err, vault.ErrDenied) {
			t.Errorf("got error %v, want %v", err, vault.ErrDenied)
		}
	})
}
