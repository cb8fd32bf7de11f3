package custody

import (
	"testing"
	"time"

	"github.com/wertfach/wertfach/blobstore"
)

// TestBacklog counts what the next sweep then does.
func TestBacklog(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		berlin, err := time.LoadLocation(defaultZone)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		c := w.server(t, func(cfg *Config) { cfg.Now = func() time.Time { return now } })
		is := func(want Backlog) {
			t.Helper()
			got, err := c.Backlog(ctx, 0, 100)
			got.OldestDue, want.OldestDue = got.OldestDue.UTC(), want.OldestDue.UTC()
			if err != nil || got != want {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
		}
		is(Backlog{})
		f, later := w.fixture(ctx, t), w.fixture(ctx, t)
		first := now.In(berlin).AddDate(0, 0, 3)
		for customer, end := range map[*fixture]time.Time{f: first, later: first.AddDate(0, 0, 1)} {
			if _, err := c.Terminate(ctx, customer.customer, end.Format(time.DateOnly), "moved", Request{}); err != nil {
				t.Fatal(err)
			}
		}
		is(Backlog{}) // what ends later is not due

		// A change that is under way is none that broke off; hours later it is.
		note := w.secret.key.place(f.customer).pending("00")
		if _, err := c.store.Put(ctx, note, nil, blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		is(Backlog{})
		now = now.Add(2 * time.Hour)
		is(Backlog{BrokenOff: 1})

		day := time.Date(first.Year(), first.Month(), first.Day(), 0, 0, 0, 0, berlin)
		now = day.AddDate(0, 0, 9)
		is(Backlog{Due: 2, BrokenOff: 1, OldestDue: day})
		if got, err := c.Backlog(ctx, 0, 1); err != nil || got.Due != 1 {
			t.Errorf("bounded: %+v, %v", got, err)
		}
		if _, err := c.store.Put(ctx, w.secret.key.place(later.customer).intent(), nil, blobstore.Condition{}); err != nil {
			t.Fatal(err)
		}
		is(Backlog{Due: 2, Erasing: 1, BrokenOff: 1, OldestDue: day})
	})
}
