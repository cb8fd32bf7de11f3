package faults

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// auditFaults are those of the audit log alone. Without its locked store routine
// calls go on until the spool is full; without the spool nothing does. What is
// under way when one begins is not looked at: a call may have done its work when it
// can't be put on record, and is refused its answer.
func (d *deployment) auditFaults() []fault {
	forbid := func(ctx context.Context) error { return d.permit(ctx, false) }
	allow := func(ctx context.Context) error { return d.permit(ctx, true) }
	reads := named("ListEvents", "VerifyLog", "ListAccesses")
	unreachable := d.store.meddled("audit bucket unreachable", inBucket(d.auditBucket(), hangUp), fault{
		ends: only(codes.Unavailable, func(m protoreflect.MethodDescriptor) bool { return locked(m) || reads(m) }), healthy: true,
	})
	return []fault{
		fault{name: "audit bucket unwritable", ends: only(codes.Unavailable, locked), healthy: true, begin: forbid, end: allow}.noticed(d.reveal, seldom),
		unreachable.noticed(d.reveal, seldom),
		fault{name: "audit spool full", ends: all, begin: forbid, end: allow}.noticed(d.read, 0),
	}
}

// seldom is a pause with which calls fill no spool.
const seldom = 20 * time.Millisecond

// all is the end of every call that can't be put on record.
func all(protoreflect.MethodDescriptor) []codes.Code { return []codes.Code{codes.Unavailable} }

// noticed is the same fault once the server knows of it: a call is refused because
// it can't be put on record. The pause between calls keeps them from filling the
// spool, where it is to have room.
func (f fault) noticed(call func(context.Context) error, pause time.Duration) fault {
	begin := f.begin
	f.begin = func(ctx context.Context) error {
		if err := begin(ctx); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		for ctx.Err() == nil {
			attempt, done := context.WithTimeout(ctx, short)
			err := call(attempt)
			done()
			if status.Code(err) == codes.Unavailable {
				return nil
			}
			time.Sleep(pause)
		}
		return ctx.Err()
	}
	return f
}

// read and reveal ask about somebody who is not there.
func (d *deployment) read(ctx context.Context) error {
	_, err := wertfachv1.NewCustomerServiceClient(d.conn).GetCustomer(ctx, &wertfachv1.GetCustomerRequest{Name: nobody})
	return err
}

func (d *deployment) reveal(ctx context.Context) error {
	_, err := wertfachv1.NewArtefactServiceClient(d.conn).RevealArtefact(ctx, &wertfachv1.RevealArtefactRequest{
		Name: nobody + "/artefacts/4711", Purpose: wertfachv1.RevealPurpose_REVEAL_PURPOSE_UNLOCK,
	})
	return err
}

const nobody = bank + "/customers/nobody"

func hangUp(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }

// inBucket does something with the requests to one bucket.
func inBucket(bucket string, m meddling) meddling {
	return func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if strings.HasPrefix(r.URL.Path+"/", "/"+bucket+"/") {
			m(w, r, pass)
			return
		}
		pass.ServeHTTP(w, r)
	}
}

// permit gives the server's user its rights in MinIO, with that of writing into
// the audit bucket or without.
func (d *deployment) permit(ctx context.Context, audit bool) error {
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":["arn:aws:s3:::*"]}%s]}`
	deny := ""
	if !audit {
		deny = fmt.Sprintf(`,{"Effect":"Deny","Action":["s3:PutObject"],"Resource":["arn:aws:s3:::%s/*"]}`, d.auditBucket())
	}
	return d.admin.PutPolicy(ctx, d.name, fmt.Appendf(nil, policy, deny))
}

// clockFaults are a clock of the server that is off: towards the store, which
// refuses its requests then, and towards all that keeps dates.
func (d *deployment) clockFaults() []fault {
	return []fault{
		d.store.meddled("clock off for S3", behind, fault{ends: awayEnds, keysLeft: 1}),
		d.clock.shifted("clock a day ahead", 24*time.Hour),
		d.clock.shifted("clock a day behind", -24*time.Hour),
	}
}

// clock is the server's.
type clock struct{ off atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.off.Load())) }

// shifted is a clock that is off by so much, and sets nobody back.
func (c *clock) shifted(name string, by time.Duration) fault {
	return fault{
		name: name, ends: only(codes.Unavailable, named()), healthy: true,
		begin: func(context.Context) error { c.off.Store(int64(by)); return nil },
		end:   func(context.Context) error { c.off.Store(0); return nil },
	}
}
