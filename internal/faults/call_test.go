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

// prepared is a target in the state that the RPC needs.
func (d *deployment) prepared(ctx context.Context, m protoreflect.MethodDescriptor, receipt string) (target, error) {
	x := target{customer: bank + "/customers/" + uuid(), receipt: receipt}
	if m.Name() == "EnrolCustomer" {
		return x, nil
	}
	artefacts := wertfachv1.NewArtefactServiceClient(d.conn)
	_, err := wertfachv1.NewCustomerServiceClient(d.conn).EnrolCustomer(ctx, &wertfachv1.EnrolCustomerRequest{
		Parent: bank, CustomerId: x.customer[len(bank+"/customers/"):], Customer: customer(),
	})
	if err != nil {
		return x, err
	}
	both, err := artefacts.BatchRegisterArtefacts(ctx, &wertfachv1.BatchRegisterArtefactsRequest{
		Parent: x.customer, Artefacts: []*wertfachv1.Artefact{sim(), document()},
	})
	if err != nil {
		return x, err
	}
	x.sim, x.document = both.GetArtefacts()[0].GetName(), both.GetArtefacts()[1].GetName()
	uploaded, err := d.call(ctx, wertfachv1.File_wertfach_v1_artefact_proto.Services().ByName("ArtefactService").Methods().ByName("UploadScan"), header(x.document))
	if err != nil {
		return x, err
	}
	x.scan = uploaded[0].(*wertfachv1.Scan).GetName()
	if m.Name() == "CancelTermination" {
		_, err = wertfachv1.NewLifecycleServiceClient(d.conn).TerminateContract(ctx, &wertfachv1.TerminateContractRequest{
			Name: x.customer, EffectiveDate: "2099-12-31",
		})
		if err != nil {
			return x, err
		}
	}
	if m.Name() == "SetServices" {
		now, err := wertfachv1.NewCustomerServiceClient(d.conn).GetCustomer(ctx, &wertfachv1.GetCustomerRequest{Name: x.customer})
		x.etag = now.GetEtag()
		return x, err
	}
	return x, nil
}

// erased erases somebody and gives the name of the receipt.
func (d *deployment) erased(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	id := uuid()
	_, err := wertfachv1.NewCustomerServiceClient(d.conn).EnrolCustomer(ctx, &wertfachv1.EnrolCustomerRequest{
		Parent: bank, CustomerId: id, Customer: customer(),
	})
	ok(t, err)
	receipt, err := wertfachv1.NewLifecycleServiceClient(d.conn).EraseCustomer(ctx, &wertfachv1.EraseCustomerRequest{
		Name: bank + "/customers/" + id, Reason: "asked for",
	})
	ok(t, err)
	return receipt.GetName()
}

// counts are how many artefacts and scans a customer has; gone where there is
// none of that name.
func (d *deployment) counts(ctx context.Context, customer string) (artefacts, scans int, err error) {
	list, err := wertfachv1.NewArtefactServiceClient(d.conn).ListArtefacts(ctx, &wertfachv1.ListArtefactsRequest{Parent: customer})
	for _, a := range list.GetArtefacts() {
		scans += len(a.GetScans())
	}
	return len(list.GetArtefacts()), scans, err
}
