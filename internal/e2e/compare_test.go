package e2e_test

import (
	"cmp"
	"reflect"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/grpcfault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// ok ends the test for an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T any](t testing.TB, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func same(t testing.TB, got, want proto.Message) {
	t.Helper()
	if !proto.Equal(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

// refused wants an error of that reason.
func refused(t testing.TB, what string, err error, reason string) {
	t.Helper()
	if got := cmp.Or(fault.ReasonOf(err), fault.ReasonOf(grpcfault.FromStatus(err))); got != reason {
		t.Errorf("%s: %v of reason %q, want %s", what, err, got, reason)
	}
}

func recent(at *timestamppb.Timestamp) bool {
	age := time.Since(at.AsTime())
	return at.IsValid() && -time.Second < age && age < 5*time.Minute
}

func mask(paths ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: paths} }

func berlin(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	ok(t, err)
	return zone
}

// plainCustomer is a customer without what the server sets.
func plainCustomer(c *wertfachv1.Customer) *wertfachv1.Customer {
	c = proto.CloneOf(c)
	c.Name, c.Etag, c.CreateTime, c.UpdateTime, c.Contract = "", "", nil, nil, nil
	return c
}

func plainArtefact(a *wertfachv1.Artefact) *wertfachv1.Artefact {
	a = proto.CloneOf(a)
	a.Name, a.Etag, a.CreateTime, a.UpdateTime, a.Scans = "", "", nil, nil, nil
	return a
}

// maskedErika is what a reader sees of her.
func maskedErika() *wertfachv1.Customer {
	c := erika()
	c.Iban, c.PhonePassword, c.OnlineBankingLogin = "••••3000", "••••", "••••"
	return c
}

// maskedKinds is everyKind as a reader sees it.
func maskedKinds() []*wertfachv1.Artefact {
	list := everyKind()
	s := list[1].GetSimCard()
	s.Pin, s.Pin2, s.Puk, s.Puk2 = "••••", "••••", "••••", "••••"
	list[2].GetPaymentCard().Pan = "411111••••••1111"
	list[4].GetDocument().Number = "••••T471"
	return list
}

func kindOf(a *wertfachv1.Artefact) string {
	m := a.ProtoReflect()
	return string(m.WhichOneof(m.Descriptor().Oneofs().ByName("kind")).Name())
}
