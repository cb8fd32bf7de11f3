package transit

import (
	"testing"
	"time"
)

// TestSessionTellsWhenItsTokenEnds, also after it was renewed, and while it can't
// be.
func TestSessionTellsWhenItsTokenEnds(t *testing.T) {
	t.Parallel()
	f := &fakeAuth{ttl: time.Hour}
	withSession(t, f, func(t *testing.T, s *session) {
		for range 10 {
			if left := time.Until(*s.ends.Load()); left < 10*time.Minute || left > time.Hour {
				t.Errorf("the token ends in %v", left)
			}
			time.Sleep(17 * time.Minute)
		}
		f.set(func() { f.down = true })
		time.Sleep(2 * time.Hour)
		if left := time.Until(*s.ends.Load()); left > 0 {
			t.Errorf("a token that can't be renewed ends in %v", left)
		}
		f.set(func() { f.down = false })
		time.Sleep(time.Minute) // and is logged in again
	})
	withSession(t, &fakeAuth{}, func(t *testing.T, s *session) {
		if ends := *s.ends.Load(); !ends.IsZero() {
			t.Errorf("an endless token ends at %v", ends)
		}
	})
}
