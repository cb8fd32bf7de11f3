package client_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"sync/atomic"

	"google.golang.org/grpc"

	"github.com/wertfach/wertfach/internal/grpcfault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// scans is an ArtefactService that takes and gives scans.
type scans struct {
	wertfachv1.UnimplementedArtefactServiceServer

	// What the server does to an upload.
	refuse      error // with this, once refuseAfter bytes came
	refuseAfter int
	forge       bool // answers with another hash

	// What came of the last upload, once it ended.
	header  atomic.Pointer[wertfachv1.UploadScanHeader]
	got     atomic.Pointer[[]byte]
	largest atomic.Int64
	ended   chan error // how the uploads ended, where not nil

	// download is what a download gives, one after the other: *Scan, []byte, or an
	// error. An error with more behind it fails one attempt.
	download []any
	attempts atomic.Int64
}

func (s *scans) UploadScan(stream grpc.ClientStreamingServer[wertfachv1.UploadScanRequest, wertfachv1.Scan]) error {
	err := s.take(stream)
	if s.ended != nil {
		s.ended <- err
	}
	return grpcfault.Status(err).Err()
}

func (s *scans) take(stream grpc.ClientStreamingServer[wertfachv1.UploadScanRequest, wertfachv1.Scan]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	s.header.Store(first.GetHeader())
	var content []byte
	for {
		if s.refuse != nil && len(content) >= s.refuseAfter {
			return s.refuse
		}
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		content = append(content, m.GetChunk()...)
		s.largest.Store(max(s.largest.Load(), int64(len(m.GetChunk()))))
	}
	s.got.Store(&content)
	sum := sha256.Sum256(content)
	if s.forge {
		sum[0]++
	}
	return stream.SendAndClose(&wertfachv1.Scan{
		Name: first.GetHeader().GetParent() + "/scans/s", SizeBytes: int64(len(content)), Sha256: hex.EncodeToString(sum[:]),
	})
}

func (s *scans) DownloadScan(_ *wertfachv1.DownloadScanRequest, stream grpc.ServerStreamingServer[wertfachv1.DownloadScanResponse]) error {
	s.attempts.Add(1)
	for len(s.download) > 0 {
		part := s.download[0]
		s.download = s.download[1:]
		var err error
		switch part := part.(type) {
		case *wertfachv1.Scan:
			err = stream.Send(&wertfachv1.DownloadScanResponse{Part: &wertfachv1.DownloadScanResponse_Scan{Scan: part}})
		case []byte:
			err = stream.Send(&wertfachv1.DownloadScanResponse{Part: &wertfachv1.DownloadScanResponse_Chunk{Chunk: part}})
		case error:
			err = grpcfault.Status(part).Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}
