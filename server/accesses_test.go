package server_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/resource"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server"
)

// slowLog is a log that fails, or keeps its reader waiting, after some lists.
type slowLog struct {
	audit.Source
	lists int
	fails error // waits where nil
}

// Versions lists, as long as it does.
func (s *slowLog) Versions(ctx context.Context, prefix string) iter.Seq2[blobstore.Version, error] {
	if s.lists--; s.lists >= 0 {
		return s.Source.Versions(ctx, prefix)
	}
	return func(yield func(blobstore.Version, error) bool) {
		if s.fails != nil {
			yield(blobstore.Version{}, s.fails)
			return
		}
		<-ctx.Done()
		yield(blobstore.Version{}, ctx.Err())
	}
}

// TestAccessesOfAnExport are the newest, of as much time as there is time to read,
// and say of which; calls that failed are none.
func TestAccessesOfAnExport(t *testing.T) {
	t.Parallel()
	s := open(t, asItIs)
	c := wertfachv1.NewCustomerServiceClient(s.connect(t))
	_, err := c.EnrolCustomer(t.Context(), &wertfachv1.EnrolCustomerRequest{Parent: "institutes/musterbank", CustomerId: "erika", Customer: erika()})
	ok(t, err)
	_, err = c.GetCustomer(t.Context(), &wertfachv1.GetCustomerRequest{Name: erikaName})
	ok(t, err)
	_, err = c.UpdateCustomer(t.Context(), &wertfachv1.UpdateCustomerRequest{Customer: &wertfachv1.Customer{Name: erikaName, Email: "none", Etag: "x"}})
	if status.Code(err) == codes.OK {
		t.Fatal("a stale etag is taken")
	}
	s.edge.Flush(t)
	subject := s.subject(t, "erika")
	to := time.Now().Add(time.Second)
	from := to.Add(-30 * 24 * time.Hour)
	all, err := server.NewestAccesses(t.Context(), s.edge.Events, "musterbank", subject, from, to, patience)
	ok(t, err)
	if len(all.Entries) != 2 || !all.Complete || !all.From.Equal(from) || !all.To.Equal(to) ||
		all.Entries[0].Effect != "write" || all.Entries[1].Effect != "read" || all.Entries[1].Role != "portal" || all.Entries[0].Time.After(all.Entries[1].Time) {
		t.Errorf("%+v", all)
	}
	slow := *s.edge.Events
	slow.Segments = &slowLog{Source: s.edge.Events.Segments, lists: 6} // of an hour each
	part, err := server.NewestAccesses(t.Context(), &slow, "musterbank", subject, from, to, 300*time.Millisecond)
	ok(t, err)
	if part.Complete || !part.From.After(from) || !part.To.Equal(to) || len(part.Entries) != 2 {
		t.Errorf("of a slow log: %+v", part)
	}
	away := errors.New("away")
	slow.Segments = &slowLog{Source: s.edge.Events.Segments, lists: 6, fails: away}
	if _, err := server.NewestAccesses(t.Context(), &slow, "musterbank", subject, from, to, patience); !errors.Is(err, away) {
		t.Errorf("of a log that is away: %v", err)
	}
	none, err := server.NewestAccesses(t.Context(), s.edge.Events, "musterbank", "somebody", from, to, patience)
	ok(t, err)
	if len(none.Entries) != 0 || none.Entries == nil || !none.Complete {
		t.Errorf("of nobody: %+v", none)
	}
}

// subject is the customer in the audit log.
func (s *site) subject(t *testing.T, id string) string {
	t.Helper()
	subject, err := s.custodian.Subject(t.Context(), resource.Customer{Institute: resource.Institute{ID: "musterbank"}, ID: id})
	ok(t, err)
	return subject
}
