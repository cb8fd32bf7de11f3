package server_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/grpcfault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

const idle = 300 * time.Millisecond

// An upload whose client stands still is ended, leaves nothing, and does not
// hold up the server's stop.
func TestUploadThatStandsStill(t *testing.T) {
	t.Parallel()
	s := openIdle(t, idle, asItIs)
	conn := s.connect(t)
	stream := s.halfWay(t, conn, pdf(200_000))
	checkIdle(t, stream.RecvMsg(&wertfachv1.Scan{}))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s.Shutdown(ctx)
	ok(t, ctx.Err())
	for _, name := range objects(t, s.store) {
		if isPending(name) || bytes.Contains([]byte(name), []byte("/scans/")) {
			t.Errorf("%s was left", name)
		}
	}
}

// So is a download whose client takes nothing.
func TestDownloadThatStandsStill(t *testing.T) {
	t.Parallel()
	s := openIdle(t, idle, asItIs)
	conn, file := s.connect(t), pdf(4<<20)
	artefacts := wertfachv1.NewArtefactServiceClient(conn)
	up, err := artefacts.UploadScan(t.Context())
	ok(t, err)
	ok(t, up.Send(&wertfachv1.UploadScanRequest{Part: &wertfachv1.UploadScanRequest_Header{Header: &wertfachv1.UploadScanHeader{
		Parent: enrolled(t, conn), Scan: &wertfachv1.Scan{MediaType: "application/pdf", SizeBytes: int64(len(file))},
	}}}))
	for r := bytes.NewReader(file); r.Len() > 0; {
		part := make([]byte, min(r.Len(), 256<<10))
		_, _ = r.Read(part)
		ok(t, up.Send(chunk(part)))
	}
	scan, err := up.CloseAndRecv()
	ok(t, err)

	down, err := artefacts.DownloadScan(t.Context(), &wertfachv1.DownloadScanRequest{Name: scan.GetName()})
	ok(t, err)
	first, err := down.Recv()
	if err != nil || first.GetScan().GetSha256() != scan.GetSha256() {
		t.Fatalf("%v, %v", first, err)
	}
	s.log.await(t, "ArtefactService/DownloadScan")
	for err == nil { // what was under way still comes
		_, err = down.Recv()
	}
	if err == io.EOF {
		t.Fatal("the download came to its end although nobody took it")
	}
	checkIdle(t, err)
}

func checkIdle(t *testing.T, err error) {
	t.Helper()
	if status.Code(err) != codes.Aborted || fault.ReasonOf(grpcfault.FromStatus(err)) != "STREAM_IDLE" {
		t.Errorf("a stream that stands still: %v", err)
	}
}

// A slow client is not one that stands still: the bound is for each step.
func TestSlowUploadIsNotIdle(t *testing.T) {
	t.Parallel()
	s := openIdle(t, 8*idle, asItIs)
	conn, file := s.connect(t), pdf(100_000)
	stream := s.halfWay(t, conn, file)
	tick := time.NewTicker(idle)
	defer tick.Stop()
	rest := file[len(file)/2:]
	for i := range 10 { // longer than the bound in all
		<-tick.C
		ok(t, stream.Send(chunk(rest[i*len(rest)/10:(i+1)*len(rest)/10])))
	}
	_, err := stream.CloseAndRecv()
	ok(t, err)
}
