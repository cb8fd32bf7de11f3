package server

import (
	"context"
	"io"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/internal/grpcfault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/access"
)

// chunk is how much content a message of a download carries, in bytes: with its
// frame it just fits gRPC's buffers of 32 KiB, above which the next size is 1 MiB,
// taken and cleared for each message.
const chunk = 32<<10 - 64

// UploadScan is ended when the client sends nothing for a while.
func (s artefacts) UploadScan(stream wertfachv1.ArtefactService_UploadScanServer) error {
	return s.moving(func(moved func()) error { return s.upload(stream, moved) })
}

func (s artefacts) upload(stream wertfachv1.ArtefactService_UploadScanServer, moved func()) error {
	first, err := stream.Recv()
	if err != nil && err != io.EOF { // io.EOF is an upload of nothing at all
		return err
	}
	header := first.GetHeader()
	if header == nil {
		return fault.Field("header", "required", "must be in the first message")
	}
	name, err := resource.ParseArtefact("header.parent", header.GetParent())
	if err != nil {
		return err
	}
	if header.GetScan().GetName() != "" {
		return fault.Field("header.scan.name", "name.given", "must be empty: the server names scans")
	}
	scan, err := s.custodian.AddScan(stream.Context(), name, custody.ScanDraft{
		Field:    "header.scan",
		FileName: header.GetScan().GetFileName(), MediaType: header.GetScan().GetMediaType(),
		Size: header.GetScan().GetSizeBytes(), SHA256: header.GetScan().GetSha256(),
	}, &upload{stream: stream, moved: moved}, request(header))
	if err != nil {
		return err
	}
	return stream.SendAndClose(toScan(scan))
}

// upload reads the content that a stream brings.
type upload struct {
	stream wertfachv1.ArtefactService_UploadScanServer
	moved  func()
	rest   []byte
}

// Read gives content; io.EOF when the client has sent all.
func (u *upload) Read(p []byte) (int, error) {
	for len(u.rest) == 0 {
		msg, err := u.stream.Recv()
		if err == io.EOF {
			return 0, err
		}
		if err != nil {
			return 0, grpcfault.FromStatus(err)
		}
		if msg.GetHeader() != nil {
			return 0, fault.Field("header", "header.first", "must be in the first message only")
		}
		u.moved()
		u.rest = msg.GetChunk()
	}
	n := copy(p, u.rest)
	u.rest = u.rest[n:]
	return n, nil
}

// DownloadScan is ended when the client takes nothing for a while.
func (s artefacts) DownloadScan(req *wertfachv1.DownloadScanRequest, stream wertfachv1.ArtefactService_DownloadScanServer) error {
	return s.moving(func(moved func()) error { return s.download(req, stream, moved) })
}

func (s artefacts) download(req *wertfachv1.DownloadScanRequest, stream wertfachv1.ArtefactService_DownloadScanServer, moved func()) error {
	name, err := resource.ParseScan("name", req.GetName())
	if err != nil {
		return err
	}
	scan, content, err := s.custodian.OpenScan(custody.ForRestricted(stream.Context(), access.Restricted(req)), name)
	if err != nil {
		return err
	}
	defer content.Close()
	err = stream.Send(&wertfachv1.DownloadScanResponse{Part: &wertfachv1.DownloadScanResponse_Scan{Scan: toScan(scan)}})
	if err != nil {
		return err
	}
	buffer := make([]byte, chunk)
	for {
		n, err := fill(content, buffer)
		if n > 0 {
			// Send is done with the buffer when it returns.
			part := &wertfachv1.DownloadScanResponse_Chunk{Chunk: buffer[:n]}
			if err := stream.Send(&wertfachv1.DownloadScanResponse{Part: part}); err != nil {
				return err
			}
			moved()
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// fill reads until the buffer is full or the reader ends or fails. Unlike
// io.ReadFull it passes on the reader's own error, so that content which broke
// off is not taken for content that ended.
func fill(r io.Reader, buffer []byte) (n int, err error) {
	for n < len(buffer) && err == nil {
		var more int
		more, err = r.Read(buffer[n:])
		n += more
	}
	return n, err
}

func (s artefacts) DeleteScan(ctx context.Context, req *wertfachv1.DeleteScanRequest) (*emptypb.Empty, error) {
	name, err := resource.ParseScan("name", req.GetName())
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, s.custodian.DeleteScan(ctx, name, request(req))
}
