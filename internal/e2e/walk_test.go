package e2e_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/timestamppb"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/access"
)

// everyMethod is every RPC that the schema has.
func everyMethod(t testing.TB) []protoreflect.MethodDescriptor {
	t.Helper()
	var list []protoreflect.MethodDescriptor
	for _, service := range access.Services() {
		for i := range service.Methods().Len() {
			list = append(list, service.Methods().Get(i))
		}
	}
	if len(list) == 0 {
		t.Fatal("the schema has no RPC")
	}
	return list
}

// ruleOf is what the schema says of an RPC.
func ruleOf(t testing.TB, m protoreflect.MethodDescriptor) *access.Rule {
	t.Helper()
	table, err := access.NewTable(access.Services()...)
	ok(t, err)
	return table[fullName(m)]
}

// fullName is gRPC's name for an RPC.
func fullName(m protoreflect.MethodDescriptor) string {
	return fmt.Sprintf("/%s/%s", m.Parent().FullName(), m.Name())
}

// target is a customer that requests are made upon.
type target struct {
	customer *wertfachv1.Customer
	sim, doc *wertfachv1.Artefact
	scan     *wertfachv1.Scan // of doc
	receipt  string           // of somebody else
	hold     string           // of the customer, where one was placed
	told     *timestamppb.Timestamp
}

// content is what uploads upon a target bring.
var content = pdfFile(2000, "a line of a page")

// A request is what an RPC is asked.
type request struct {
	// good makes one that is done.
	good func(target) proto.Message
	// other makes one of the same RPC and customer with other content; nil where
	// there is none.
	other func(target) proto.Message
}

// requests are those of every RPC; a walk over the schema fails for one that
// is missing.
func requests() map[protoreflect.Name]request {
	reason := func(reason string) func(target) proto.Message {
		return func(x target) proto.Message {
			return &wertfachv1.TerminateContractRequest{Name: x.customer.GetName(), EffectiveDate: "2099-12-31", Reason: reason}
		}
	}
	upload := func(name string) func(target) proto.Message {
		return func(x target) proto.Message {
			header := announced(x.doc, "application/pdf", content)
			header.Scan.FileName = name
			return &wertfachv1.UploadScanRequest{Part: &wertfachv1.UploadScanRequest_Header{Header: header}}
		}
	}
	return map[protoreflect.Name]request{
		"EnrolCustomer": {
			func(x target) proto.Message { return enrolment(x, "Erika") },
			func(x target) proto.Message { return enrolment(x, "Emma") },
		},
		"GetCustomer": {good: func(x target) proto.Message { return &wertfachv1.GetCustomerRequest{Name: x.customer.GetName()} }},
		"UpdateCustomer": {
			func(x target) proto.Message { return renaming(x, "Emma") },
			func(x target) proto.Message { return renaming(x, "Else") },
		},
		"SetServices": {
			func(x target) proto.Message {
				return &wertfachv1.SetServicesRequest{Name: x.customer.GetName(), Services: everyService}
			},
			func(x target) proto.Message {
				return &wertfachv1.SetServicesRequest{Name: x.customer.GetName(), Services: everyService[1:], Etag: x.customer.GetEtag()}
			},
		},
		"RegisterArtefact": {
			func(x target) proto.Message {
				return &wertfachv1.RegisterArtefactRequest{Parent: x.customer.GetName(), Artefact: bike()}
			},
			func(x target) proto.Message {
				return &wertfachv1.RegisterArtefactRequest{Parent: x.customer.GetName(), Artefact: card()}
			},
		},
		"BatchRegisterArtefacts": {
			func(x target) proto.Message {
				return &wertfachv1.BatchRegisterArtefactsRequest{Parent: x.customer.GetName(), Artefacts: everyKind()[:2]}
			},
			func(x target) proto.Message {
				return &wertfachv1.BatchRegisterArtefactsRequest{Parent: x.customer.GetName(), Artefacts: everyKind()[:1]}
			},
		},
		"GetArtefact":   {good: func(x target) proto.Message { return &wertfachv1.GetArtefactRequest{Name: x.sim.GetName()} }},
		"ListArtefacts": {good: func(x target) proto.Message { return &wertfachv1.ListArtefactsRequest{Parent: x.customer.GetName()} }},
		"UpdateArtefact": {
			func(x target) proto.Message { return relabelling(x, "one") },
			func(x target) proto.Message { return relabelling(x, "two") },
		},
		"DeleteArtefact": {
			func(x target) proto.Message { return &wertfachv1.DeleteArtefactRequest{Name: x.sim.GetName()} },
			func(x target) proto.Message { return &wertfachv1.DeleteArtefactRequest{Name: x.doc.GetName()} },
		},
		"RevealArtefact": {good: func(x target) proto.Message {
			return &wertfachv1.RevealArtefactRequest{Name: x.sim.GetName(), Purpose: wertfachv1.RevealPurpose_REVEAL_PURPOSE_UNLOCK}
		}},
		"UploadScan":        {upload("front.pdf"), upload("back.pdf")},
		"DownloadScan":      {good: func(x target) proto.Message { return &wertfachv1.DownloadScanRequest{Name: x.scan.GetName()} }},
		"DeleteScan":        {good: func(x target) proto.Message { return &wertfachv1.DeleteScanRequest{Name: x.scan.GetName()} }},
		"TerminateContract": {reason("moves"), reason("moves away")},
		"CancelTermination": {good: func(x target) proto.Message {
			return &wertfachv1.CancelTerminationRequest{Name: x.customer.GetName()}
		}},
		"ExplainRetention": {good: func(x target) proto.Message {
			return &wertfachv1.ExplainRetentionRequest{Name: x.customer.GetName(), EffectiveDate: "2099-12-31"}
		}},
		"RestrictProcessing": {
			func(x target) proto.Message {
				return &wertfachv1.RestrictProcessingRequest{Name: x.customer.GetName(), Ground: wertfachv1.Restriction_GROUND_OBJECTION}
			},
			func(x target) proto.Message {
				return &wertfachv1.RestrictProcessingRequest{Name: x.customer.GetName(), Ground: wertfachv1.Restriction_GROUND_UNLAWFUL}
			},
		},
		"LiftRestriction": {good: func(x target) proto.Message {
			return &wertfachv1.LiftRestrictionRequest{Name: x.customer.GetName(), CustomerToldTime: cmp.Or(x.told, timestamppb.Now())}
		}},
		"PlaceHold": {
			func(x target) proto.Message {
				return &wertfachv1.PlaceHoldRequest{Name: x.customer.GetName(), Kind: wertfachv1.Hold_KIND_LEGAL_CLAIM, Reason: "4 O 12/26"}
			},
			func(x target) proto.Message {
				return &wertfachv1.PlaceHoldRequest{Name: x.customer.GetName(), Kind: wertfachv1.Hold_KIND_LEGAL_CLAIM, Reason: "4 O 13/26"}
			},
		},
		"ReleaseHold": {good: func(x target) proto.Message {
			return &wertfachv1.ReleaseHoldRequest{Name: x.customer.GetName(), HoldId: cmp.Or(x.hold, "unknown")}
		}},
		"RequestErasure": {
			func(x target) proto.Message { return erasure(x.customer.GetName(), "asked") },
			func(x target) proto.Message { return erasure(x.customer.GetName(), "asked twice") },
		},
		"CancelErasure": {good: func(x target) proto.Message { return &wertfachv1.CancelErasureRequest{Name: x.customer.GetName()} }},
		"EraseCustomer": {good: func(x target) proto.Message { return &wertfachv1.EraseCustomerRequest{Name: x.customer.GetName()} }},
		"ListErasureReceipts": {good: func(x target) proto.Message {
			parent, _, _ := strings.Cut(x.customer.GetName(), "/customers/")
			return &wertfachv1.ListErasureReceiptsRequest{Parent: parent}
		}},
		"ListEvents": {good: func(x target) proto.Message {
			parent, _, _ := strings.Cut(x.customer.GetName(), "/customers/")
			return &wertfachv1.ListEventsRequest{Parent: parent, StartTime: timestamppb.New(time.Now().Add(-time.Hour)), Customer: x.customer.GetName()}
		}},
		"VerifyLog":         {good: func(target) proto.Message { return &wertfachv1.VerifyLogRequest{} }},
		"GetErasureReceipt": {good: func(x target) proto.Message { return &wertfachv1.GetErasureReceiptRequest{Name: x.receipt} }},
	}
}

func enrolment(x target, given string) proto.Message {
	c := erika()
	c.GivenName = given
	parent, id, _ := strings.Cut(x.customer.GetName(), "/customers/")
	return &wertfachv1.EnrolCustomerRequest{Parent: parent, CustomerId: id, Customer: c}
}

func renaming(x target, given string) proto.Message {
	return &wertfachv1.UpdateCustomerRequest{
		Customer: &wertfachv1.Customer{Name: x.customer.GetName(), GivenName: given}, UpdateMask: mask("given_name"),
	}
}

func relabelling(x target, label string) proto.Message {
	return &wertfachv1.UpdateArtefactRequest{
		Artefact: &wertfachv1.Artefact{Name: x.sim.GetName(), Label: label, Kind: x.sim.GetKind()}, UpdateMask: mask("label"),
	}
}

// call makes any RPC with its first message, and of uploads sends the content
// after it. It gives what came back, all of it.
func (s *scene) call(ctx context.Context, m protoreflect.MethodDescriptor, req proto.Message) ([]proto.Message, error) {
	return s.callWith(ctx, m, req, content)
}

func (s *scene) callWith(ctx context.Context, m protoreflect.MethodDescriptor, req proto.Message, content []byte) ([]proto.Message, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := s.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: m.IsStreamingServer(), ClientStreams: m.IsStreamingClient()},
		fullName(m))
	if err != nil {
		return nil, err
	}
	err = stream.SendMsg(req)
	if err == nil && m.IsStreamingClient() {
		for r := bytes.NewReader(content); r.Len() > 0 && err == nil; {
			chunk := make([]byte, min(r.Len(), 700))
			_, _ = r.Read(chunk)
			err = stream.SendMsg(part(chunk))
		}
	}
	if err == nil {
		err = stream.CloseSend()
	}
	if err != nil && !errors.Is(err, io.EOF) { // after io.EOF, RecvMsg says why
		return nil, err
	}
	kind, err := protoregistry.GlobalTypes.FindMessageByName(m.Output().FullName())
	if err != nil {
		return nil, err
	}
	var answers []proto.Message
	for {
		answer := kind.New().Interface()
		switch err := stream.RecvMsg(answer); {
		case errors.Is(err, io.EOF):
			return answers, nil
		case err != nil:
			return nil, err
		}
		answers = append(answers, answer)
		if !m.IsStreamingServer() {
			return answers, nil
		}
	}
}

// target makes a customer with what every request needs.
func (s *scene) target(t testing.TB, id string) target {
	t.Helper()
	x := target{customer: s.enrol(t, bank, id, erika()), receipt: s.receipt.GetName()}
	x.sim, x.doc = s.register(t, x.customer, sim()), s.register(t, x.customer, document())
	var err error
	x.scan, err = s.upload(t.Context(), announced(x.doc, "application/pdf", content), content)
	ok(t, err)
	return x
}

// fresh is the target, and somebody new for what must not be there yet.
func fresh(m protoreflect.MethodDescriptor, x target) target {
	if m.Name() == "EnrolCustomer" {
		x.customer = &wertfachv1.Customer{Name: bank + "/customers/fresh"}
	}
	return x
}

// prepared is a target in the state that the RPC needs.
func (s *scene) prepared(t testing.TB, m protoreflect.MethodDescriptor, id string) target {
	t.Helper()
	if m.Name() == "EnrolCustomer" {
		return target{customer: &wertfachv1.Customer{Name: bank + "/customers/" + id}}
	}
	x := s.target(t, id)
	var err error
	switch m.Name() {
	case "CancelTermination":
		_, err = s.lifecycle.TerminateContract(t.Context(), &wertfachv1.TerminateContractRequest{
			Name: x.customer.GetName(), EffectiveDate: "2099-12-31",
		})
	case "CancelErasure", "EraseCustomer":
		_, err = s.lifecycle.RequestErasure(t.Context(), erasure(x.customer.GetName(), "asked for it"))
	case "LiftRestriction":
		_, err = s.lifecycle.RestrictProcessing(t.Context(), &wertfachv1.RestrictProcessingRequest{
			Name: x.customer.GetName(), Ground: wertfachv1.Restriction_GROUND_OBJECTION,
		})
		x.told = timestamppb.Now()
	case "ReleaseHold":
		var r *wertfachv1.Retention
		r, err = s.lifecycle.PlaceHold(t.Context(), &wertfachv1.PlaceHoldRequest{
			Name: x.customer.GetName(), Kind: wertfachv1.Hold_KIND_LEGAL_CLAIM, Reason: "4 O 12/26",
		})
		x.hold = r.GetHolds()[0].GetId()
	}
	ok(t, err)
	return x
}

func erasure(customer, reason string) *wertfachv1.RequestErasureRequest {
	return &wertfachv1.RequestErasureRequest{Name: customer, Ground: wertfachv1.ErasureRequest_GROUND_CONSENT_WITHDRAWN, Reason: reason}
}
