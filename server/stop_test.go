package server_test

import (
	"bytes"
	"context"
	"net"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// halfWay begins an upload and waits until the server stores what it brings.
func (s *site) halfWay(t *testing.T, conn *grpc.ClientConn, file []byte) wertfachv1.ArtefactService_UploadScanClient {
	t.Helper()
	artefact := enrolled(t, conn)
	stream, err := wertfachv1.NewArtefactServiceClient(conn).UploadScan(t.Context())
	ok(t, err)
	ok(t, stream.Send(&wertfachv1.UploadScanRequest{Part: &wertfachv1.UploadScanRequest_Header{Header: &wertfachv1.UploadScanHeader{
		Parent: artefact, Scan: &wertfachv1.Scan{MediaType: "application/pdf", SizeBytes: int64(len(file))},
	}}}))
	ok(t, stream.Send(chunk(file[:len(file)/2])))
	for !slices.ContainsFunc(objects(t, s.store), isPending) {
		ok(t, t.Context().Err()) // each look takes its time
	}
	return stream
}

func isPending(name string) bool { return bytes.HasPrefix([]byte(name), []byte("musterbank/pending/")) }

func chunk(b []byte) *wertfachv1.UploadScanRequest {
	return &wertfachv1.UploadScanRequest{Part: &wertfachv1.UploadScanRequest_Chunk{Chunk: b}}
}

// enrolled makes a customer with a document, and gives the document's name.
func enrolled(t *testing.T, conn *grpc.ClientConn) string {
	t.Helper()
	_, err := wertfachv1.NewCustomerServiceClient(conn).EnrolCustomer(t.Context(), &wertfachv1.EnrolCustomerRequest{
		Parent: "institutes/musterbank", CustomerId: "erika", Customer: erika(),
	})
	ok(t, err)
	a, err := wertfachv1.NewArtefactServiceClient(conn).RegisterArtefact(t.Context(), &wertfachv1.RegisterArtefactRequest{
		Parent: "institutes/musterbank/customers/erika", Artefact: passport(),
	})
	ok(t, err)
	return a.GetName()
}

func erika() *wertfachv1.Customer {
	return &wertfachv1.Customer{
		FamilyName: "Mustermann", DateOfBirth: "1984-05-17", Address: &wertfachv1.Address{PostalCode: "51147"},
		Iban: "DE89 3704 0044 0532 0130 00", OnlineBankingLogin: "erika.m",
		Services: []wertfachv1.Service{wertfachv1.Service_SERVICE_DOCUMENT_PROTECTION, wertfachv1.Service_SERVICE_SIM_CARD_PROTECTION},
	}
}

func passport() *wertfachv1.Artefact {
	return &wertfachv1.Artefact{Kind: &wertfachv1.Artefact_Document{Document: &wertfachv1.Document{
		Type: wertfachv1.Document_TYPE_PASSPORT, Number: "C01X00T478", Issuer: "Stadt Köln",
	}}}
}

func pdf(size int) []byte {
	return append([]byte("%PDF-1.7\n%"), bytes.Repeat([]byte("page "), size/5)...)
}

// A server that is asked to stop takes nobody new and lets those finish who are
// there.
func TestStopLetsCallsFinish(t *testing.T) {
	t.Parallel()
	s := open(t, asItIs)
	conn, file := s.connect(t), pdf(200_000)
	stream := s.halfWay(t, conn, file)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s.Shutdown(ctx)
		if ctx.Err() != nil {
			t.Error("the server had to break calls off")
		}
	}()
	for { // until it listens no more
		c, err := net.DialTimeout("tcp", s.address, time.Second)
		if err != nil {
			break
		}
		c.Close()
		ok(t, t.Context().Err())
	}
	select {
	case <-stopped:
		t.Fatal("the server did not wait for a call under way")
	default:
	}
	ok(t, stream.Send(chunk(file[len(file)/2:])))
	scan, err := stream.CloseAndRecv()
	ok(t, err)
	if scan.GetSizeBytes() != int64(len(file)) {
		t.Errorf("uploaded %v", scan)
	}
	<-stopped
	ok(t, <-s.served)
}

// When its patience ends, it breaks off what is left, and nothing of that stays.
func TestStopBreaksOffAtTheEnd(t *testing.T) {
	t.Parallel()
	s := open(t, asItIs)
	conn, file := s.connect(t), pdf(200_000)
	stream := s.halfWay(t, conn, file)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.Shutdown(ctx)
	ok(t, <-s.served)
	if _, err := stream.CloseAndRecv(); status.Code(err) != codes.Unavailable {
		t.Errorf("the call that was broken off: %v", err)
	}
	for _, name := range objects(t, s.store) {
		if isPending(name) || bytes.Contains([]byte(name), []byte("/scans/")) {
			t.Errorf("%s was left", name)
		}
	}
}
