package devserver_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/wertfach/wertfach/internal/devserver"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// patience bounds what a test waits for.
const patience = 20 * time.Second

// underWay is a server with an upload half done, and what tells that the server
// has begun to stop.
type underWay struct {
	dev      *devserver.Dev
	conn     *grpc.ClientConn
	upload   grpc.ClientStreamingClient[wertfachv1.UploadScanRequest, wertfachv1.Scan]
	rest     []byte
	stopping func()
}

func begin(t *testing.T) *underWay {
	t.Helper()
	u := &underWay{dev: start(t, t.TempDir(), devserver.Options{})}
	samples, err := u.dev.Samples(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	secure, err := u.dev.ClientTLS("portal")
	if err != nil {
		t.Fatal(err)
	}
	u.conn, err = grpc.NewClient(u.dev.Address(), grpc.WithTransportCredentials(credentials.NewTLS(secure)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = u.conn.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)

	health, err := healthv1.NewHealthClient(u.conn).Watch(ctx, &healthv1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if first, err := health.Recv(); err != nil || first.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		t.Fatalf("health: %v, %v", first, err)
	}
	u.stopping = func() {
		for {
			if _, err := health.Recv(); err != nil {
				return
			}
		}
	}
	if u.upload, err = wertfachv1.NewArtefactServiceClient(u.conn).UploadScan(ctx); err != nil {
		t.Fatal(err)
	}
	content := append([]byte("%PDF-1.7\n"), bytes.Repeat([]byte("x"), 300_000)...)
	u.send(t, &wertfachv1.UploadScanRequest{Part: &wertfachv1.UploadScanRequest_Header{Header: &wertfachv1.UploadScanHeader{
		Parent: samples[0].Artefacts[1],
		Scan:   &wertfachv1.Scan{MediaType: "application/pdf", SizeBytes: int64(len(content)), FileName: "receipt.pdf"},
	}}})
	u.send(t, &wertfachv1.UploadScanRequest{Part: &wertfachv1.UploadScanRequest_Chunk{Chunk: content[:200_000]}})
	u.rest = content[200_000:]
	return u
}

func (u *underWay) send(t *testing.T, m *wertfachv1.UploadScanRequest) {
	t.Helper()
	if err := u.upload.Send(m); err != nil && err != io.EOF {
		t.Fatal(err)
	}
}

// TestGracefulStop: a call that is under way finishes, new ones are refused,
// and the back ends are closed after both.
func TestGracefulStop(t *testing.T) {
	t.Parallel()
	u := begin(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- u.dev.Run(ctx) }()
	stop()
	u.stopping()

	u.send(t, &wertfachv1.UploadScanRequest{Part: &wertfachv1.UploadScanRequest_Chunk{Chunk: u.rest}})
	if scan, err := u.upload.CloseAndRecv(); err != nil || scan.GetName() == "" {
		t.Errorf("the call under way: %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	// The store is closed: the folder can be used again.
	next := start(t, u.dev.Dir(), devserver.Options{})
	defer next.Stop(t.Context())
	samples, err := next.Samples(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bike, err := dial(t, next, "portal").Artefacts.GetArtefact(t.Context(), &wertfachv1.GetArtefactRequest{Name: samples[0].Artefacts[1]})
	if err != nil || len(bike.GetScans()) != 1 {
		t.Errorf("after the next start: %d scans, %v", len(bike.GetScans()), err)
	}
}

// TestHardStop: a call that does not come to an end is cut off, and leaves
// nothing behind.
func TestHardStop(t *testing.T) {
	t.Parallel()
	u := begin(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // no patience at all
	if err := u.dev.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
	var scan wertfachv1.Scan
	if err := u.upload.RecvMsg(&scan); status.Code(err) != codes.Unavailable && status.Code(err) != codes.Canceled {
		t.Errorf("the call under way: %v", err)
	}
	next := start(t, u.dev.Dir(), devserver.Options{})
	defer next.Stop(t.Context())
	samples, err := next.Samples(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bike, err := dial(t, next, "portal").Artefacts.GetArtefact(t.Context(), &wertfachv1.GetArtefactRequest{Name: samples[0].Artefacts[1]})
	if err != nil || len(bike.GetScans()) != 0 {
		t.Errorf("after the next start: %d scans, %v", len(bike.GetScans()), err)
	}
}
