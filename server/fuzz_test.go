package server_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wertfach/wertfach/blobstore"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server"
)

// The names that fuzzed requests use. The ids that the server gave stand in
// their place when a request is made.
const (
	erikaName    = "institutes/musterbank/customers/erika"
	passportName = erikaName + "/artefacts/passport"
	simName      = erikaName + "/artefacts/sim"
	scanName     = passportName + "/scans/scan"
)

// world is a server without a network, and a customer.
type world struct {
	server.Bare
	store *blobstore.Store
	names *strings.Replacer // nil before the customer is there
}

func newWorld(t testing.TB) *world {
	t.Helper()
	c, _, store := custodian(t)
	bare, err := server.NewBare(c, server.Unrecorded{})
	ok(t, err)
	return &world{Bare: bare, store: store}
}

// begin makes the customer, after all that calls before have left is removed.
func (w *world) begin(t testing.TB) {
	t.Helper()
	if w.names != nil {
		return
	}
	for _, object := range objects(t, w.store) {
		if name, _, _ := strings.Cut(object, " "); !strings.HasPrefix(name, "system/") {
			ok(t, w.store.Delete(context.Background(), name))
		}
	}
	w.must(t, "EnrolCustomer", &wertfachv1.EnrolCustomerRequest{Parent: "institutes/musterbank", CustomerId: "erika", Customer: erika()})
	var ids []string
	for _, a := range []*wertfachv1.Artefact{passport(), sim()} {
		made := w.must(t, "RegisterArtefact", &wertfachv1.RegisterArtefactRequest{Parent: erikaName, Artefact: a})
		ids = append(ids, made.(*wertfachv1.Artefact).GetName())
	}
	w.names = strings.NewReplacer(passportName, ids[0], simName, ids[1])
}

func sim() *wertfachv1.Artefact {
	return &wertfachv1.Artefact{Label: "mobile", Kind: &wertfachv1.Artefact_SimCard{SimCard: &wertfachv1.SimCard{
		Iccid: "8949020000000000014", Pin: "4711", Puk: "26354188",
	}}}
}

func (w *world) call(method string, req proto.Message) (any, error) {
	return w.Call(context.Background(), method, func(m any) error { proto.Merge(m.(proto.Message), req); return nil })
}

func (w *world) must(t testing.TB, method string, req proto.Message) any {
	t.Helper()
	answer, err := w.call(method, req)
	ok(t, err)
	return answer
}

// rename puts the names that there are into a message.
func (w *world) rename(m protoreflect.Message) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Kind() == protoreflect.StringKind && !fd.IsList() && !fd.IsMap():
			m.Set(fd, protoreflect.ValueOfString(w.names.Replace(v.String())))
		case fd.Kind() == protoreflect.MessageKind && !fd.IsList() && !fd.IsMap():
			w.rename(v.Message())
		}
		return true
	})
}

// check wants every call to end as the API says, a refused one without a trace
// in the store.
func (w *world) check(t *testing.T, before []string, err error) {
	t.Helper()
	switch code := status.Code(err); code {
	case codes.OK:
		return
	case codes.Internal, codes.Unknown, codes.DataLoss, codes.Unavailable:
		t.Errorf("ended with %v", err)
	}
	if after := objects(t, w.store); !slices.Equal(before, after) {
		t.Errorf("%v, and yet the store changed\nfrom %q\nto   %q", err, before, after)
	}
}

// seeds are requests that are done, and some that are nearly so.
func seeds() map[string][]proto.Message {
	customer := erika()
	customer.Name, customer.GivenName = erikaName, "Erika"
	renamed, card := sim(), passport()
	renamed.Name, card.Name = simName, passportName
	return map[string][]proto.Message{
		"EnrolCustomer": {
			&wertfachv1.EnrolCustomerRequest{Parent: "institutes/musterbank", CustomerId: "otto", Customer: erika()},
			&wertfachv1.EnrolCustomerRequest{Parent: "institutes/musterbank/..", CustomerId: "../erika", Customer: &wertfachv1.Customer{Iban: "••••3000"}},
		},
		"GetCustomer": {&wertfachv1.GetCustomerRequest{Name: erikaName}},
		"UpdateCustomer": {
			&wertfachv1.UpdateCustomerRequest{Customer: customer},
			&wertfachv1.UpdateCustomerRequest{Customer: customer, UpdateMask: paths("given_name", "address")},
		},
		"SetServices": {&wertfachv1.SetServicesRequest{Name: erikaName, Services: erika().GetServices()[:1], Etag: "x"}},
		"RegisterArtefact": {
			&wertfachv1.RegisterArtefactRequest{Parent: erikaName, Artefact: sim(), RequestId: "0b8ee8e1-7a5e-4b0e-9a0c-2f6a1d7f4c11"},
			&wertfachv1.RegisterArtefactRequest{Parent: erikaName, Artefact: &wertfachv1.Artefact{Kind: &wertfachv1.Artefact_PaymentCard{
				PaymentCard: &wertfachv1.PaymentCard{Pan: "4111 1111 1111 1111", Scheme: 99},
			}}},
		},
		"BatchRegisterArtefacts": {&wertfachv1.BatchRegisterArtefactsRequest{Parent: erikaName, Artefacts: []*wertfachv1.Artefact{sim(), passport()}}},
		"GetArtefact":            {&wertfachv1.GetArtefactRequest{Name: simName}},
		"ListArtefacts":          {&wertfachv1.ListArtefactsRequest{Parent: erikaName, PageSize: 1, PageToken: "a"}},
		"UpdateArtefact": {
			&wertfachv1.UpdateArtefactRequest{Artefact: renamed, UpdateMask: paths("sim_card.puk", "label")},
			&wertfachv1.UpdateArtefactRequest{Artefact: card},
		},
		"DeleteArtefact": {&wertfachv1.DeleteArtefactRequest{Name: simName}},
		"RevealArtefact": {&wertfachv1.RevealArtefactRequest{
			Name: simName, Purpose: wertfachv1.RevealPurpose_REVEAL_PURPOSE_UNLOCK, Fields: paths("sim_card.puk"),
		}},
		"DeleteScan":          {&wertfachv1.DeleteScanRequest{Name: scanName}},
		"TerminateContract":   {&wertfachv1.TerminateContractRequest{Name: erikaName, EffectiveDate: "2099-12-31", Reason: "moves"}},
		"CancelTermination":   {&wertfachv1.CancelTerminationRequest{Name: erikaName}},
		"ExplainRetention":    {&wertfachv1.ExplainRetentionRequest{Name: erikaName, EffectiveDate: "2099-12-31"}},
		"RestrictProcessing":  {&wertfachv1.RestrictProcessingRequest{Name: erikaName, Ground: wertfachv1.Restriction_GROUND_OBJECTION}},
		"LiftRestriction":     {&wertfachv1.LiftRestrictionRequest{Name: erikaName, CustomerToldTime: timestamppb.New(time.Unix(0, 0))}},
		"PlaceHold":           {&wertfachv1.PlaceHoldRequest{Name: erikaName, Kind: wertfachv1.Hold_KIND_TITLED_CLAIM, Reason: "4 O 12/26"}},
		"ReleaseHold":         {&wertfachv1.ReleaseHoldRequest{Name: erikaName, HoldId: "h"}},
		"EraseCustomer":       {&wertfachv1.EraseCustomerRequest{Name: erikaName, Reason: "seen the letter"}},
		"RequestErasure":      {&wertfachv1.RequestErasureRequest{Name: erikaName, Ground: wertfachv1.ErasureRequest_GROUND_CHILD, Reason: "asked for it"}},
		"CancelErasure":       {&wertfachv1.CancelErasureRequest{Name: erikaName}},
		"ListErasureReceipts": {&wertfachv1.ListErasureReceiptsRequest{Parent: "institutes/musterbank", PageSize: 1, PageToken: "a"}},
		"GetErasureReceipt":   {&wertfachv1.GetErasureReceiptRequest{Name: "institutes/musterbank/receipts/a"}},
	}
}

// FuzzUnary feeds a method with bytes, as a client may that is no client.
func FuzzUnary(f *testing.F) {
	w := newWorld(f)
	for _, method := range w.Unary() {
		if len(seeds()[method]) == 0 {
			f.Fatalf("there is no seed for %s", method)
		}
		for _, req := range seeds()[method] {
			data, err := proto.Marshal(req)
			ok(f, err)
			f.Add(method, data)
		}
	}
	f.Add("RegisterArtefact", []byte("\x0a\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, method string, data []byte) {
		if !slices.Contains(w.Unary(), method) {
			return
		}
		w.begin(t)
		before := objects(t, w.store)
		errMalformed := errors.New("malformed")
		_, err := w.Call(t.Context(), method, func(m any) error {
			if proto.Unmarshal(data, m.(proto.Message)) != nil {
				return errMalformed // which gRPC answers by itself
			}
			w.rename(m.(proto.Message).ProtoReflect())
			return nil
		})
		if errors.Is(err, errMalformed) {
			return
		}
		w.check(t, before, err)
		w.settle(method, err)
	})
}

// settle begins anew after a call that took away what the next ones need, or
// that left something which would make the store grow without end.
func (w *world) settle(method string, err error) {
	kept := []string{"GetCustomer", "ListArtefacts", "GetArtefact", "RevealArtefact", "UpdateCustomer", "UpdateArtefact", "GetErasureReceipt"}
	if err == nil && !slices.Contains(kept, method) {
		w.names = nil
	}
}

// FuzzUpload feeds an upload with messages, each with its length before it, and
// then ends it or breaks it off.
func FuzzUpload(f *testing.F) {
	w := newWorld(f)
	type message = *wertfachv1.UploadScanRequest
	file := pdf(300)
	header := func(size int) message {
		return &wertfachv1.UploadScanRequest{Part: &wertfachv1.UploadScanRequest_Header{Header: &wertfachv1.UploadScanHeader{
			Parent: passportName, Scan: &wertfachv1.Scan{FileName: "front.pdf", MediaType: "application/pdf", SizeBytes: int64(size)},
		}}}
	}
	add := func(whole bool, messages ...message) {
		var data bytes.Buffer
		for _, m := range messages {
			_, err := protodelim.MarshalTo(&data, m)
			ok(f, err)
		}
		f.Add(data.Bytes(), whole)
	}
	add(true, header(len(file)), chunk(file))
	add(true, header(len(file)), chunk(file[:200]), chunk(file[200:]))
	add(false, header(len(file)), chunk(file))
	add(false, header(len(file)), chunk(file[:200]))
	add(true, header(len(file)+1), chunk(file))
	add(true, header(len(file)-1), chunk(file[:200]), chunk(file[200:]))
	add(true, chunk(file))
	add(true, header(10), header(10))
	add(true, header(3), chunk([]byte("%PD")))
	add(true, header(4), chunk([]byte("%PDF")), &wertfachv1.UploadScanRequest{})
	add(true)
	f.Fuzz(func(t *testing.T, data []byte, whole bool) {
		w.begin(t)
		stream := &uploadStream{ctx: t.Context(), w: w, end: io.EOF}
		if !whole {
			stream.end = status.FromContextError(context.Canceled).Err()
		}
		for r := bytes.NewReader(data); r.Len() > 0; {
			m := &wertfachv1.UploadScanRequest{}
			if err := (protodelim.UnmarshalOptions{MaxSize: 1 << 20}).UnmarshalFrom(r, m); err != nil {
				return // gRPC answers that by itself
			}
			stream.messages = append(stream.messages, m)
		}
		before := objects(t, w.store)
		err := w.Stream("UploadScan", stream)
		w.check(t, before, err)
		if err == nil {
			if stream.answer.GetName() == "" || !whole {
				t.Errorf("done, with the answer %v", stream.answer)
			}
			w.must(t, "DeleteScan", &wertfachv1.DeleteScanRequest{Name: stream.answer.GetName()})
		}
	})
}

// uploadStream is an upload without a network.
type uploadStream struct {
	ctx      context.Context
	w        *world
	messages []*wertfachv1.UploadScanRequest
	end      error
	answer   *wertfachv1.Scan
}

func (s *uploadStream) Context() context.Context     { return s.ctx }
func (s *uploadStream) SetHeader(metadata.MD) error  { return nil }
func (s *uploadStream) SendHeader(metadata.MD) error { return nil }
func (s *uploadStream) SetTrailer(metadata.MD)       {}

// SendMsg takes the answer.
func (s *uploadStream) SendMsg(m any) error {
	s.answer = m.(*wertfachv1.Scan)
	return nil
}

// RecvMsg gives the next message.
func (s *uploadStream) RecvMsg(m any) error {
	if len(s.messages) == 0 {
		return s.end
	}
	into := m.(*wertfachv1.UploadScanRequest)
	proto.Merge(into, s.messages[0])
	s.messages = s.messages[1:]
	s.w.rename(into.ProtoReflect())
	return nil
}

func paths(list ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: list} }
