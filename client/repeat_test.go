package client_test

import (
	"sync"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

var (
	away   = fault.New(fault.Unavailable, "BACKEND_UNAVAILABLE", "a store can't be used")
	rivals = fault.New(fault.Aborted, "CONTENTION", "too many changes at once")
	stale  = fault.New(fault.Aborted, "STALE_ETAG", "the resource has changed")
)

func TestReadsAreRepeated(t *testing.T) {
	t.Parallel()
	s := &customers{}
	s.gets.errors = []error{away, away}
	if err := get(t.Context(), open(t, services{customers: s})); err != nil {
		t.Error(err)
	}
	if n := len(s.gets.requests()); n != 3 {
		t.Errorf("%d attempts, want 3", n)
	}
}

func TestChangesAreRepeatedWithTheSameID(t *testing.T) {
	t.Parallel()
	s := &customers{}
	s.sets.errors = []error{away, rivals}
	vault := open(t, services{customers: s})
	req := &wertfachv1.SetServicesRequest{
		Name: "institutes/a/customers/b", Etag: "e", Services: []wertfachv1.Service{wertfachv1.Service_SERVICE_BIKE_PROTECTION},
	}
	before := proto.Clone(req)
	for range 2 {
		if _, err := vault.Customers.SetServices(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	if !proto.Equal(req, before) {
		t.Errorf("the caller's own request was changed to %v", req)
	}
	asked := s.sets.requests()
	if len(asked) != 4 {
		t.Fatalf("%d attempts, want 3 and 1", len(asked))
	}
	id := asked[0].GetRequestId()
	if _, err := uuid.Parse(id); err != nil {
		t.Errorf("request_id %q: %v", id, err)
	}
	if asked[1].GetRequestId() != id || asked[2].GetRequestId() != id {
		t.Error("attempts of one call have different ids")
	}
	if asked[3].GetRequestId() == id {
		t.Error("another call has the same id")
	}
	for _, got := range asked {
		got.RequestId = ""
		if !proto.Equal(got, before) {
			t.Errorf("the server got %v, want %v", got, before)
		}
	}
}

func TestTheCallersOwnIDStays(t *testing.T) {
	t.Parallel()
	s := &customers{}
	s.sets.errors = []error{away}
	vault := open(t, services{customers: s})
	const id = "0b54cbe0-6d0f-4b3d-9e3a-0b6f7b1f6a11"
	if _, err := vault.Customers.SetServices(t.Context(), &wertfachv1.SetServicesRequest{RequestId: id}); err != nil {
		t.Fatal(err)
	}
	for i, req := range s.sets.requests() {
		if req.GetRequestId() != id {
			t.Errorf("attempt %d has id %q", i+1, req.GetRequestId())
		}
	}
}

func TestARefusalIsNotRepeated(t *testing.T) {
	t.Parallel()
	s := &customers{}
	s.sets.errors = []error{stale}
	_, err := open(t, services{customers: s}).Customers.SetServices(t.Context(), &wertfachv1.SetServicesRequest{})
	if fault.ReasonOf(err) != stale.Reason || len(s.sets.requests()) != 1 {
		t.Errorf("%v after %d attempts", err, len(s.sets.requests()))
	}
}

// One request may be in use by several calls at once.
func TestASharedRequest(t *testing.T) {
	t.Parallel()
	s := &customers{}
	vault := open(t, services{customers: s})
	req := &wertfachv1.SetServicesRequest{Services: []wertfachv1.Service{1, 2}}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if _, err := vault.Customers.SetServices(t.Context(), req); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	ids := map[string]bool{}
	for _, got := range s.sets.requests() {
		ids[got.GetRequestId()] = true
	}
	if len(ids) != 16 {
		t.Errorf("%d different ids, want 16", len(ids))
	}
}
