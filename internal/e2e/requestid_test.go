package e2e_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// requestIDField is where an RPC's request id stands, or "".
func requestIDField(m protoreflect.MethodDescriptor) string {
	if m.Input().Fields().ByName("request_id") != nil {
		return "request_id"
	}
	if header := m.Input().Fields().ByName("header"); header != nil && header.Message().Fields().ByName("request_id") != nil {
		return "header.request_id"
	}
	return ""
}

func withID(req proto.Message, field, id string) proto.Message {
	req = proto.Clone(req)
	set(req, field, id)
	return req
}

// TestEveryMethodOnce makes every RPC with what it should do, and so shows that
// the walks over the schema see nothing but what they make wrong. An RPC with a
// request id is then repeated with it: as it was, which gives the same answer
// and does nothing more, and with other content, which is refused.
func TestEveryMethodOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, b *backends) {
		s := newScene(t, b)
		all := requests()
		for _, m := range everyMethod(t) {
			r, known := all[m.Name()]
			if !known {
				t.Errorf("there is no request for %s", m.FullName())
				continue
			}
			x := s.prepared(t, m, "once-"+strings.ToLower(string(m.Name())))
			field := requestIDField(m)
			if field == "" {
				if _, err := s.call(t.Context(), m, r.good(x)); err != nil {
					t.Errorf("%s: %v", m.Name(), err)
				}
				continue
			}
			id := uuid.NewString()
			first, err := s.call(t.Context(), m, withID(r.good(x), field, id))
			if err != nil {
				t.Errorf("%s: %v", m.Name(), err)
				continue
			}
			s.unchanged(t, "repeating "+string(m.Name()), func() {
				again, err := s.call(t.Context(), m, withID(r.good(x), field, id))
				same := m.Name() == "ExportCustomer" || slices.EqualFunc(first, again, proto.Equal) // an archive says when it was made
				if err != nil || !same {
					t.Errorf("%s repeated: %v, %v; the first time it was %v", m.Name(), again, err, first)
				}
			})
			if r.other != nil {
				s.refusesReuse(t, m, withID(r.other(x), field, id))
			}
		}
	})
}

// refusesReuse makes a call with a request id that stood for another one.
func (s *scene) refusesReuse(t *testing.T, m protoreflect.MethodDescriptor, req proto.Message) {
	t.Helper()
	s.unchanged(t, "reusing an id with "+string(m.Name()), func() {
		s.sent.reset()
		_, err := s.call(t.Context(), m, req)
		code, reason, broken := said(err)
		if code != codes.InvalidArgument || reason != "REQUEST_ID_REUSED" || !slices.Equal(broken, []string{"request_id request-id.reused"}) {
			t.Errorf("%s with other content: %v %s %q (%v)", m.Name(), code, reason, broken, err)
		}
		if value := s.sent.repeatedIn(err); value != "" {
			t.Errorf("%s with other content: the error repeats %q", m.Name(), value)
		}
	})
}

// TestRequestIDOfAnotherCall makes every call with an id that stood for a call
// of another RPC upon the same customer.
func TestRequestIDOfAnotherCall(t *testing.T) {
	onBoth(t, func(t *testing.T, b *backends) {
		s := newScene(t, b)
		x := s.target(t, "again")
		id := uuid.NewString()
		_, err := s.customers.SetServices(t.Context(), &wertfachv1.SetServicesRequest{
			Name: x.customer.GetName(), Services: everyService, RequestId: id,
		})
		ok(t, err)
		for _, m := range everyMethod(t) {
			field := requestIDField(m)
			if field == "" {
				continue
			}
			r := requests()[m.Name()]
			if m.Name() == "SetServices" {
				s.refusesReuse(t, m, withID(r.other(x), field, id))
			} else {
				s.refusesReuse(t, m, withID(r.good(x), field, id))
			}
			for _, malformed := range []string{"once", strings.Repeat("a", 36), id[:35], id + "0", "{" + id + "}", "urn:uuid:" + id, " " + id, strings.ReplaceAll(id, "-", "")} {
				s.unchanged(t, string(m.Name()), func() {
					s.sent.reset()
					_, err := s.call(t.Context(), m, withID(r.good(x), field, malformed))
					if _, _, broken := said(err); !slices.Equal(broken, []string{field + " string.uuid"}) {
						t.Errorf("%s with the id %q: %v", m.Name(), malformed, err)
					}
					if value := s.sent.repeatedIn(err); value != "" {
						t.Errorf("%s: the error repeats %q", m.Name(), value)
					}
				})
			}
		}
	})
}

// TestRequestIDWithOtherSecret pins what is not told apart: a hash over a PIN
// would stay in the dossier, where it could be guessed, so secrets are left out
// of what a request is known by.
func TestRequestIDWithOtherSecret(t *testing.T) {
	onBoth(t, func(t *testing.T, b *backends) {
		s := newScene(t, b)
		x := s.target(t, "guess")
		req := &wertfachv1.RegisterArtefactRequest{Parent: x.customer.GetName(), Artefact: sim(), RequestId: uuid.NewString()}
		first, err := s.artefacts.RegisterArtefact(t.Context(), req)
		ok(t, err)
		req.Artefact.GetSimCard().Puk = "11112222"
		s.unchanged(t, "a request with another secret", func() {
			again, err := s.artefacts.RegisterArtefact(t.Context(), req)
			ok(t, err)
			same(t, again, first)
		})
		req.Artefact.GetSimCard().Iccid = "8949020000000000022"
		_, err = s.artefacts.RegisterArtefact(t.Context(), req)
		if _, reason, _ := said(err); reason != "REQUEST_ID_REUSED" {
			t.Errorf("a request with another number: %v", err)
		}
	})
}

// TestUploadAgainWithOtherContent repeats an upload whose header says no hash, so
// that only the content tells that it is another one.
func TestUploadAgainWithOtherContent(t *testing.T) {
	onBoth(t, func(t *testing.T, b *backends) {
		s := newScene(t, b)
		var upload protoreflect.MethodDescriptor
		for _, m := range everyMethod(t) {
			if m.Name() == "UploadScan" {
				upload = m
			}
		}
		x := s.target(t, "uploads")
		req := withID(requests()["UploadScan"].good(x), "header.request_id", uuid.NewString())
		first, err := s.call(t.Context(), upload, req)
		ok(t, err)
		other := slices.Clone(content)
		other[len(other)-100] ^= 1
		s.unchanged(t, "uploading other content", func() {
			_, err := s.callWith(t.Context(), upload, req, other)
			if _, reason, broken := said(err); reason != "REQUEST_ID_REUSED" || len(broken) != 1 {
				t.Errorf("other content under the same id: %v", err)
			}
			again, err := s.call(t.Context(), upload, req)
			ok(t, err)
			same(t, again[0], first[0])
		})
	})
}
