package e2e_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wertfach/wertfach/internal/devissuer"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// TestRestrictedDataIsForOfficers: data whose processing is restricted is read by
// privacy officers alone, for a purpose that is on record (Art. 18(2) GDPR). The
// RPCs that can are those whose request says for what.
func TestRestrictedDataIsForOfficers(t *testing.T) {
	onBoth(t, func(t *testing.T, b *backends) {
		s := newScene(t, b)
		x := s.target(t, "restricted")
		_, err := s.lifecycle.RestrictProcessing(t.Context(), &wertfachv1.RestrictProcessingRequest{
			Name: x.customer.GetName(), Ground: wertfachv1.Restriction_GROUND_OBJECTION,
		})
		ok(t, err)
		portal, officer := *s, *s
		portal.conn, officer.conn = s.dialAs(t, "portal"), s.dialAs(t, "privacy-officer")
		asOfficer := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+s.edge.Token(t, devissuer.Officers))
		restricted := func(what string, err error) {
			t.Helper()
			if code, reason, _ := said(err); code != codes.FailedPrecondition || reason != "PROCESSING_RESTRICTED" {
				t.Errorf("%s: %v", what, err)
			}
		}
		readers := 0
		for _, m := range everyMethod(t) {
			field := m.Input().Fields().ByName("restricted_purpose")
			if field == nil {
				continue
			}
			readers++
			plain := requests()[m.Name()].good(x)
			asking := proto.Clone(plain)
			asking.ProtoReflect().Set(field, protoreflect.ValueOfEnum(wertfachv1.RestrictedPurpose_RESTRICTED_PURPOSE_LEGAL_CLAIM.Number()))

			_, err := portal.call(t.Context(), m, plain)
			restricted(string(m.Name())+" by a portal", err)
			_, err = portal.call(t.Context(), m, asking)
			if code, reason, _ := said(err); code != codes.PermissionDenied || reason != "ROLE_NOT_ALLOWED" {
				t.Errorf("%s by a portal for a purpose: %v", m.Name(), err)
			}
			_, err = officer.call(asOfficer, m, plain)
			restricted(string(m.Name())+" by an officer without a purpose", err)
			s.edge.Flush(t)
			begun := time.Now()
			if _, err := officer.call(asOfficer, m, asking); err != nil {
				t.Errorf("%s by an officer for a purpose: %v", m.Name(), err)
			}
			if events := s.edge.Recorded(t, begun); len(events) != 1 || events[0].Purpose != "LEGAL_CLAIM" || events[0].Role != "privacy-officer" {
				t.Errorf("%s is on record as %+v", m.Name(), events)
			}
		}
		if readers < 7 {
			t.Errorf("only %d RPCs read what is restricted", readers)
		}
		s.unchanged(t, "trying to change what is restricted", func() {
			for _, m := range everyMethod(t) {
				rule := ruleOf(t, m)
				if rule.Effect == wertfachv1.Effect_EFFECT_READ || m.Parent().Name() == "LifecycleService" || m.Name() == "EnrolCustomer" || m.Name() == "DownloadScan" || m.Name() == "RecordDisclosure" {
					continue
				}
				_, err := s.call(t.Context(), m, requests()[m.Name()].good(x))
				restricted(string(m.Name()), err)
			}
		})
	})
}
