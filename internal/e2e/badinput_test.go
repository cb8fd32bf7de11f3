package e2e_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/internal/grpcfault"
)

// refusal is a call that must be refused: how, and on account of what.
type refusal struct {
	name   string
	call   func(context.Context, *scene) error
	code   codes.Code
	reason string
	broken []string // "field rule" of each violation
}

// invalid is a refusal of fields that break rules.
func invalid(name string, call func(context.Context, *scene) error, broken ...string) refusal {
	return refusal{name: name, call: call, code: codes.InvalidArgument, reason: "INVALID_FIELD", broken: broken}
}

// TestBadInput makes every call that must be refused. Each is answered with the
// code, the reason and the fields and rules, repeats no value, and leaves
// everything that is kept as it was.
func TestBadInput(t *testing.T) {
	onBoth(t, func(t *testing.T, b *backends) {
		s := newScene(t, b)
		rows := slices.Concat(badValues(), badRequests(), badUpdates(), badEndings(), badUploads())
		names := map[string]bool{}
		for _, r := range rows {
			if names[r.name] {
				t.Errorf("two rows are called %q", r.name)
			}
			names[r.name] = true
			s.refuses(t, r)
		}
		t.Logf("%d calls were refused", len(rows))
	})
}

// refuses makes the call and looks at the answer and at what is kept.
func (s *scene) refuses(t *testing.T, r refusal) {
	t.Helper()
	s.unchanged(t, r.name, func() {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		s.sent.reset()
		err := r.call(ctx, s)
		if err == nil {
			t.Errorf("%s: was done", r.name)
			return
		}
		code, reason, broken := said(err)
		if code != r.code || reason != r.reason {
			t.Errorf("%s: %v %s, want %v %s (%v)", r.name, code, reason, r.code, r.reason, err)
		}
		if !slices.Equal(broken, r.broken) {
			t.Errorf("%s: broken are %q, want %q", r.name, broken, r.broken)
		}
		if value := s.sent.repeatedIn(err); value != "" {
			t.Errorf("%s: the error repeats %q: %v", r.name, value, err)
		}
	})
}

// said takes an error of a bare connection apart.
func said(err error) (code codes.Code, reason string, broken []string) {
	st := status.Convert(err)
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			if d.GetDomain() == grpcfault.Domain {
				reason = d.GetReason()
			}
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				broken = append(broken, v.GetField()+" "+v.GetReason())
			}
		}
	}
	return st.Code(), reason, broken
}

// repeatedIn gives a value that was sent and that an error repeats, or "".
func (r *recorder) repeatedIn(err error) string {
	st := status.Convert(err)
	text := st.Message()
	for _, detail := range st.Details() {
		text += "\n" + prototext.Format(detail.(proto.Message))
	}
	for _, value := range r.values() {
		if len(value) >= 4 && strings.Contains(text, value) && !vocabulary(value) {
			return value
		}
	}
	return ""
}

// vocabulary says whether a value is a word of the API itself, which errors may
// use: a field or its path, a collection of names, or a media type.
func vocabulary(value string) bool {
	word := false
	for _, table := range []*field.Table{field.Artefact, field.Customer} {
		for _, s := range table.Specs() {
			word = word || strings.HasPrefix(s.Path+".", value+".")
		}
	}
	return word || value == "name" || strings.Trim(value, "/") == "institutes" || slices.Contains(mediaTypes, value)
}

var mediaTypes = []string{"application/pdf", "image/jpeg", "image/png", "image/tiff", "image/heic"}

// The search for values in errors can find some.
func TestRepeatedValuesAreFound(t *testing.T) {
	t.Parallel()
	sent := &recorder{}
	sent.add(sim())
	puk := sim().GetSimCard().GetPuk()
	for name, err := range map[string]error{
		"message": status.Error(codes.InvalidArgument, "the PUK "+puk+" is wrong"),
		"detail": withDetail(t, &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "puk", Description: "not " + puk},
		}}),
	} {
		if got := sent.repeatedIn(err); got != puk {
			t.Errorf("%s: found %q", name, got)
		}
	}
}

func withDetail(t *testing.T, detail *errdetails.BadRequest) error {
	t.Helper()
	st, err := status.New(codes.InvalidArgument, "no").WithDetails(detail)
	ok(t, err)
	return st.Err()
}
