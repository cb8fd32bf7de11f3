package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/wertfach/wertfach/internal/servertest"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// call makes any RPC with its first message, and of uploads sends the content
// after it. It gives what came back.
func (d *deployment) call(ctx context.Context, m protoreflect.MethodDescriptor, req proto.Message) (answers []proto.Message, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := d.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: m.IsStreamingServer(), ClientStreams: m.IsStreamingClient()},
		fmt.Sprintf("/%s/%s", m.Parent().FullName(), m.Name()))
	if err != nil {
		return nil, err
	}
	err = stream.SendMsg(req)
	if m.IsStreamingClient() {
		for r := bytes.NewReader(content); r.Len() > 0 && err == nil; {
			chunk := make([]byte, min(r.Len(), 32<<10))
			_, _ = r.Read(chunk)
			err = stream.SendMsg(&wertfachv1.UploadScanRequest{Part: &wertfachv1.UploadScanRequest_Chunk{Chunk: chunk}})
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
	for {
		answer := kind.New().Interface()
		switch err := stream.RecvMsg(answer); {
		case errors.Is(err, io.EOF):
			return answers, nil
		case err != nil:
			return answers, err
		}
		if answers = append(answers, answer); !m.IsStreamingServer() {
			return answers, nil
		}
	}
}

// prepared is a customer in the state that the RPC needs.
func (d *deployment) prepared(ctx context.Context, m protoreflect.MethodDescriptor) (target, error) {
	x := target{customer: bank + "/customers/" + uuid()}
	if m.Name() == "EnrolCustomer" {
		return x, nil
	}
	x, err := d.enrolled(ctx, x, requests()[m.Name()].before.scans > 0)
	switch {
	case err != nil:
	case m.Name() == "CancelTermination":
		_, err = wertfachv1.NewLifecycleServiceClient(d.conn).TerminateContract(ctx, &wertfachv1.TerminateContractRequest{
			Name: x.customer, EffectiveDate: "2099-12-31",
		})
	case m.Name() == "LiftRestriction":
		var r *wertfachv1.Retention
		r, err = wertfachv1.NewLifecycleServiceClient(d.conn).RestrictProcessing(ctx, &wertfachv1.RestrictProcessingRequest{
			Name: x.customer, Ground: wertfachv1.Restriction_GROUND_OBJECTION,
		})
		if err == nil {
			x.told = r.GetRestrictions()[0].GetCreateTime() // by the server's clock
		}
	case m.Name() == "ReleaseHold":
		var r *wertfachv1.Retention
		r, err = wertfachv1.NewLifecycleServiceClient(d.conn).PlaceHold(ctx, &wertfachv1.PlaceHoldRequest{
			Name: x.customer, Kind: wertfachv1.Hold_KIND_LEGAL_CLAIM, Reason: "4 O 12/26",
		})
		if err == nil {
			x.hold = r.GetHolds()[0].GetId()
		}
	case m.Name() == "EraseCustomer", m.Name() == "CancelErasure":
		_, err = wertfachv1.NewLifecycleServiceClient(d.conn).RequestErasure(ctx, erasure(x))
	case m.Name() == "SetServices":
		var now *wertfachv1.Customer
		now, err = wertfachv1.NewCustomerServiceClient(d.conn).GetCustomer(ctx, &wertfachv1.GetCustomerRequest{Name: x.customer})
		x.etag = now.GetEtag()
	}
	return x, err
}

// enrolled enrols a customer with two artefacts, and a scan if that is wanted.
func (d *deployment) enrolled(ctx context.Context, x target, scan bool) (target, error) {
	_, err := wertfachv1.NewCustomerServiceClient(d.conn).EnrolCustomer(ctx, &wertfachv1.EnrolCustomerRequest{
		Parent: bank, CustomerId: x.customer[len(bank+"/customers/"):], Customer: customer(),
	})
	if err != nil {
		return x, err
	}
	both, err := wertfachv1.NewArtefactServiceClient(d.conn).BatchRegisterArtefacts(ctx, &wertfachv1.BatchRegisterArtefactsRequest{
		Parent: x.customer, Artefacts: []*wertfachv1.Artefact{sim(), document()},
	})
	if err != nil {
		return x, err
	}
	x.sim, x.document = both.GetArtefacts()[0].GetName(), both.GetArtefacts()[1].GetName()
	if !scan {
		return x, nil
	}
	upload := wertfachv1.File_wertfach_v1_artefact_proto.Services().ByName("ArtefactService").Methods().ByName("UploadScan")
	uploaded, err := d.call(ctx, upload, header(x.document))
	if err != nil {
		return x, err
	}
	x.scan = uploaded[0].(*wertfachv1.Scan).GetName()
	return x, nil
}

// somebody is a customer whom all calls share that change nothing, and the receipt
// of somebody who was erased.
func (d *deployment) somebody(t testing.TB) target {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	erased, err := d.enrolled(ctx, target{customer: bank + "/customers/" + uuid()}, false)
	ok(t, err)
	receipt, err := servertest.Erase(ctx, wertfachv1.NewLifecycleServiceClient(d.conn), erased.customer, "asked for")
	ok(t, err)
	x, err := d.enrolled(ctx, target{customer: bank + "/customers/" + uuid(), receipt: receipt.GetName()}, true)
	ok(t, err)
	return x
}

// belongings are how many artefacts and scans a customer has.
func (d *deployment) belongings(ctx context.Context, customer string) (belongings, error) {
	list, err := wertfachv1.NewArtefactServiceClient(d.conn).ListArtefacts(ctx, &wertfachv1.ListArtefactsRequest{
		Parent: customer, RestrictedPurpose: wertfachv1.RestrictedPurpose_RESTRICTED_PURPOSE_CONSENT,
	})
	b := belongings{artefacts: len(list.GetArtefacts())}
	for _, a := range list.GetArtefacts() {
		b.scans += len(a.GetScans())
	}
	return b, err
}
