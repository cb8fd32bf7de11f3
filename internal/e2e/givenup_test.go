package e2e_test

import (
	"context"
	"testing"
	"time"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// TestUploadThatIsGivenUp leaves in the middle of an upload, at several places.
// Nothing of it stays.
func TestUploadThatIsGivenUp(t *testing.T) {
	onBoth(t, func(t *testing.T, b *backends) {
		s := newScene(t, b)
		file := pdfFile(250_000, "a line")
		const uploads = "method=wertfach.v1.ArtefactService/UploadScan"
		for _, parts := range []int{0, 1, 3} {
			s.unchanged(t, "an upload that was given up", func() {
				calls := len(s.log.lines(uploads))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				s.begin(ctx, t, file, parts)
				cancel()
				s.log.await(t, calls+1, uploads)
			})
		}
		s.unchanged(t, "an upload that ran out of time", func() {
			calls := len(s.log.lines(uploads))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			s.begin(ctx, t, file, 2)
			<-ctx.Done()
			s.log.await(t, calls+1, uploads)
		})
		s.unchanged(t, "a connection that broke off", func() {
			calls := len(s.log.lines(uploads))
			other := *s
			conn := s.dialAs(t, "portal")
			other.artefacts = wertfachv1.NewArtefactServiceClient(conn)
			other.begin(t.Context(), t, file, 2)
			ok(t, conn.Close())
			s.log.await(t, calls+1, uploads)
		})
		for _, line := range s.log.lines(uploads) {
			if !holdsAny(line, "code=OK", "code=Canceled", "code=DeadlineExceeded") {
				t.Errorf("an upload that was given up ended otherwise: %s", line)
			}
		}
	})
}

// begin begins an upload and sends some parts of it. Where there are any, it
// waits until the server has begun to store them.
func (s *scene) begin(ctx context.Context, t *testing.T, file []byte, parts int) wertfachv1.ArtefactService_UploadScanClient {
	t.Helper()
	stream, err := s.artefacts.UploadScan(ctx)
	ok(t, err)
	ok(t, stream.Send(&wertfachv1.UploadScanRequest{Part: &wertfachv1.UploadScanRequest_Header{
		Header: announced(s.doc, "application/pdf", file),
	}}))
	for i := range parts {
		ok(t, stream.Send(part(file[i*60_000:(i+1)*60_000])))
	}
	for parts > 0 && s.objects(t, "musterbank/pending/") == 0 && ctx.Err() == nil {
		continue // each look takes its time
	}
	return stream
}
