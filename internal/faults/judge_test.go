package faults

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/server"
)

// slack is how much later than its deadline a call may be seen to end on a busy
// machine.
const slack = 10 * time.Second

// judge looks at how a call ended that met the fault.
func (d *deployment) judge(t *testing.T, f fault, a *attempt) {
	t.Helper()
	name := a.method.Name()
	if most := f.deadline(a.method); a.took > most+slack {
		t.Errorf("%s took %v, with a deadline of %v", name, a.took, most)
	}
	st := status.Convert(a.err)
	if want := f.ends(a.method); !slices.Contains(want, st.Code()) {
		t.Errorf("%s: %v; want one of %v", name, a.err, want)
	}
	text, reason, wait := told(st)
	if st.Code() == codes.Unavailable && (reason != custody.ReasonUnavailable && reason != server.ReasonAudit || wait <= 0) {
		t.Errorf("%s: %v of reason %q, to be tried again after %v", name, a.err, reason, wait)
	}
	if reason == server.ReasonAudit && len(a.answers) > 0 {
		t.Errorf("%s: %d answers that are not on record", name, len(a.answers))
	}
	for _, secret := range append(texts(a.request), d.confidential()...) {
		if a.err != nil && strings.Contains(text, secret) {
			t.Errorf("%s: the message tells what it should not, %q: %s", name, secret, text)
		}
	}
}

// told is all that a status tells, its reason, and when to try again.
func told(st *status.Status) (text, reason string, wait time.Duration) {
	text = st.Message()
	for _, detail := range st.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			reason = detail.GetReason()
		case *errdetails.RetryInfo:
			wait = detail.GetRetryDelay().AsDuration()
		}
		text += fmt.Sprint(" ", detail)
	}
	return text, reason, wait
}

// tellTale is how long a text is that does not stand in a log by chance.
const tellTale = 8

// texts are all texts in a request that say something.
func texts(m proto.Message) []string {
	var out []string
	var collect func(protoreflect.Message)
	collect = func(m protoreflect.Message) {
		m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			take := func(v protoreflect.Value) {
				switch fd.Kind() {
				case protoreflect.MessageKind:
					collect(v.Message())
				case protoreflect.StringKind:
					if len(v.String()) > 3 {
						out = append(out, v.String())
					}
				}
			}
			if fd.IsList() {
				for i := range v.List().Len() {
					take(v.List().Get(i))
				}
			} else {
				take(v)
			}
			return true
		})
	}
	collect(m.ProtoReflect())
	return out
}
