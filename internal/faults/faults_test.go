package faults

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wertfach/wertfach/internal/testenv"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// A fault is something that goes wrong with what a server needs.
type fault struct {
	name       string
	begin, end func(context.Context) error
	// ends are the codes that a call of that RPC may end with.
	ends func(protoreflect.MethodDescriptor) []codes.Code
	// late is a fault in which requests arrive and answers do not: what was asked
	// for may have been done.
	late bool
	// silent is a fault in which no answer comes.
	silent bool
	// keysLeft is how many keys may be left that nothing belongs to.
	keysLeft int
	// healthy is whether the server says that it serves nevertheless.
	healthy bool
}

// deadline is what callers allow: enough, for calls that are to be done.
func (f fault) deadline(m protoreflect.MethodDescriptor) time.Duration {
	switch {
	case slices.Contains(f.ends(m), codes.OK):
		return patience
	case f.silent:
		return short
	default:
		return deadline
	}
}

// awayEnds is how a call ends where all back ends that it needs are away.
func awayEnds(protoreflect.MethodDescriptor) []codes.Code {
	return []codes.Code{codes.Unavailable}
}

// slowEnds is how it ends where nothing is heard of them.
func slowEnds(protoreflect.MethodDescriptor) []codes.Code {
	return []codes.Code{codes.DeadlineExceeded, codes.Unavailable}
}

// only is that end for those calls, and success for all others.
func only(end codes.Code, concerned func(protoreflect.MethodDescriptor) bool) func(protoreflect.MethodDescriptor) []codes.Code {
	return func(m protoreflect.MethodDescriptor) []codes.Code {
		if concerned(m) {
			return []codes.Code{end}
		}
		return []codes.Code{codes.OK}
	}
}

// named are the RPCs of these names.
func named(names ...protoreflect.Name) func(protoreflect.MethodDescriptor) bool {
	return func(m protoreflect.MethodDescriptor) bool { return slices.Contains(names, m.Name()) }
}

// locked is whether the event of a call must be in the locked store before the call
// is answered: it opens a secret, can't be taken back, or verifies a caller.
func locked(m protoreflect.MethodDescriptor) bool {
	rule, _ := proto.GetExtension(m.Options(), wertfachv1.E_Access).(*wertfachv1.Access)
	switch rule.GetEffect() {
	case wertfachv1.Effect_EFFECT_READ, wertfachv1.Effect_EFFECT_WRITE:
		return false
	default:
		return true
	}
}

// broken are the faults of any server that gives no answers, or wrong ones.
func broken(name string, a away, keysLeft int) []fault {
	gone := fault{ends: awayEnds, keysLeft: keysLeft}
	late, cut, unreachable := gone, gone, gone
	late.late = true
	cut.healthy = name == "MinIO" // whose answer to a probe has no body
	unreachable.name, unreachable.begin, unreachable.end = name+" unreachable", a.Disable, a.Enable
	return []fault{
		unreachable,
		a.poisoned(name+" resetting connections", testenv.Reset(), late),
		a.meddled(name+" failing", failing(), gone),
		a.meddled(name+" behind a login page", nonsense, gone),
		a.meddled(name+" not where it was", misrouted, gone),
		a.meddled(name+" losing answers", deaf, late),
		a.meddled(name+" cutting bodies", cutting(""), cut),
	}
}

// slow are those of one that keeps its callers waiting.
func slow(name string, a away, keysLeft int) []fault {
	silent := fault{ends: slowEnds, silent: true, keysLeft: keysLeft}
	late := silent
	late.late = true
	return []fault{
		a.poisoned(name+" silent", testenv.Silence().Upstream(), silent),
		a.poisoned(name+" slow", testenv.Latency(time.Hour), late),
	}
}

// poisoned is a fault of connections.
func (a away) poisoned(name string, x testenv.Toxic, f fault) fault {
	f.name, f.end = name, a.Clear
	f.begin = func(ctx context.Context) error { return a.Add(ctx, x) }
	return f
}

// meddled is a fault of HTTP.
func (a away) meddled(name string, m meddling, f fault) fault {
	f.name = name
	f.begin = func(context.Context) error { a.http.set(m); return nil }
	f.end = func(context.Context) error { a.http.clear(); return nil }
	return f
}

// cutScans is a store that loses scans alone, when all that was decided before is
// done.
func (d *deployment) cutScans() fault {
	return d.store.meddled("MinIO cutting scans", cutting("/scans/"), fault{
		ends: only(codes.Unavailable, named("UploadScan", "DownloadScan", "ExportCustomer")), healthy: true,
	})
}
