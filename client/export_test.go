package client_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"testing"

	"google.golang.org/grpc"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/grpcfault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// exports is a PrivacyService that gives these parts, one after the other: []byte,
// *ExportSummary, or an error. An error with more behind it fails one attempt.
type exports struct {
	wertfachv1.UnimplementedPrivacyServiceServer
	parts []any
	asked script[string] // the requests' ids
}

func (s *exports) ExportCustomer(req *wertfachv1.ExportCustomerRequest, stream grpc.ServerStreamingServer[wertfachv1.ExportCustomerResponse]) error {
	if err := s.asked.next(req.GetRequestId()); err != nil {
		return err
	}
	for len(s.parts) > 0 {
		part := s.parts[0]
		s.parts = s.parts[1:]
		var err error
		switch part := part.(type) {
		case []byte:
			err = stream.Send(&wertfachv1.ExportCustomerResponse{Part: &wertfachv1.ExportCustomerResponse_Chunk{Chunk: part}})
		case *wertfachv1.ExportSummary:
			err = stream.Send(&wertfachv1.ExportCustomerResponse{Part: &wertfachv1.ExportCustomerResponse_Summary{Summary: part}})
		case error:
			err = grpcfault.Status(part).Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func summed(content []byte) *wertfachv1.ExportSummary {
	sum := sha256.Sum256(content)
	return &wertfachv1.ExportSummary{SizeBytes: int64(len(content)), Sha256: hex.EncodeToString(sum[:]), Scans: 2}
}

func TestExports(t *testing.T) {
	t.Parallel()
	sent := content(200_000)
	for name, c := range map[string]struct {
		parts    []any
		want     fault.Kind
		reason   string // empty for none
		attempts int
	}{
		"whole":             {[]any{sent[:70_000], sent[70_000:], summed(sent)}, fault.Internal, "", 1},
		"again":             {[]any{away, away, sent, summed(sent)}, fault.Internal, "", 3},
		"cut":               {[]any{sent[:70_000], summed(sent)}, fault.Corrupt, "CONTENT_DIFFERS", 1},
		"no end":            {[]any{sent}, fault.Corrupt, "CONTENT_DIFFERS", 1},
		"more":              {[]any{sent, summed(sent), sent[:1]}, fault.Corrupt, "CONTENT_DIFFERS", 1},
		"changed":           {[]any{content(199_999), []byte{0}, summed(sent)}, fault.Corrupt, "CONTENT_DIFFERS", 1},
		"nothing":           {nil, fault.Corrupt, "CONTENT_DIFFERS", 1},
		"breaks off":        {[]any{sent[:70_000], away, sent}, fault.Unavailable, away.Reason, 1},
		"fails at its end":  {[]any{sent, summed(sent), away}, fault.Unavailable, away.Reason, 1},
		"not there":         {[]any{fault.New(fault.NotFound, "CUSTOMER_NOT_FOUND", "x")}, fault.NotFound, "CUSTOMER_NOT_FOUND", 1},
		"away for too long": {[]any{away, away, away, away, away, sent}, fault.Unavailable, away.Reason, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &exports{parts: c.parts}
			var got bytes.Buffer
			summary, err := open(t, services{privacy: server}).Export(t.Context(), &wertfachv1.ExportCustomerRequest{Name: "institutes/a/customers/b"}, &got)
			asked := server.asked.requests()
			if len(asked) != c.attempts || asked[0] == "" || asked[len(asked)-1] != asked[0] {
				t.Errorf("asked with ids %q, want one %d times", asked, c.attempts)
			}
			if c.reason != "" {
				if summary != nil || fault.KindOf(err) != c.want || fault.ReasonOf(err) != c.reason {
					t.Errorf("%v, %v; want %s", summary, err, c.reason)
				}
				return
			}
			if err != nil || summary.GetScans() != 2 || !bytes.Equal(got.Bytes(), sent) {
				t.Errorf("%v, %v, %d bytes", summary, err, got.Len())
			}
		})
	}
}

func TestAnExportThatCanNotBeWritten(t *testing.T) {
	t.Parallel()
	full := errors.New("the disk is full")
	r, w := io.Pipe()
	r.CloseWithError(full)
	vault := open(t, services{privacy: &exports{parts: []any{content(9), summed(content(9))}}})
	if _, err := vault.Export(t.Context(), &wertfachv1.ExportCustomerRequest{}, w); !errors.Is(err, full) {
		t.Errorf("%v; want the writer's own error", err)
	}
}
