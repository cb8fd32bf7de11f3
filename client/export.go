package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// Export writes an archive of all that is held of a customer to w, a ZIP file, and
// gives the summary of it. Only where the error is nil is what w got the whole
// archive: the server must have ended it, and its size and SHA-256 are compared with
// the summary. So write to a place that can be thrown away, and put it where it
// belongs afterwards. The context bounds the whole transfer. Errors of w come back
// as they are.
//
// Where the request has no request_id it gets one, so that attempts which fail
// before any content came are recorded at the server as one disclosure.
func (c *Client) Export(ctx context.Context, req *wertfachv1.ExportCustomerRequest, w io.Writer) (*wertfachv1.ExportSummary, error) {
	if req.GetRequestId() == "" {
		req = proto.CloneOf(req)
		req.RequestId = uuid.NewString()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, part, err := c.openExport(ctx, req)
	if err != nil {
		return nil, err
	}
	hash := sha256.New()
	size := int64(0)
	for part.GetSummary() == nil {
		size += int64(len(part.GetChunk()))
		hash.Write(part.GetChunk())
		if _, err := w.Write(part.GetChunk()); err != nil {
			return nil, err
		}
		if part, err = stream.Recv(); errors.Is(err, io.EOF) {
			return nil, fault.New(fault.Corrupt, ReasonDiffers, "the archive ended before its end")
		} else if err != nil {
			return nil, err
		}
	}
	summary := part.GetSummary()
	if size != summary.GetSizeBytes() || hex.EncodeToString(hash.Sum(nil)) != summary.GetSha256() {
		return nil, fault.New(fault.Corrupt, ReasonDiffers, "what arrived is not the archive: size or SHA-256 differ")
	}
	switch _, err := stream.Recv(); {
	case err == nil:
		return nil, fault.New(fault.Corrupt, ReasonDiffers, "something came after the archive's end")
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	return summary, nil
}

// openExport begins an export, and begins again where that fails before any content
// came.
func (c *Client) openExport(ctx context.Context, req *wertfachv1.ExportCustomerRequest) (stream wertfachv1.PrivacyService_ExportCustomerClient, first *wertfachv1.ExportCustomerResponse, err error) {
	err = c.retries.do(ctx, func(ctx context.Context) error {
		if stream, err = c.Privacy.ExportCustomer(ctx, req); err != nil {
			return err
		}
		if first, err = stream.Recv(); errors.Is(err, io.EOF) {
			return fault.New(fault.Corrupt, ReasonDiffers, "the server sent no archive")
		}
		return err
	})
	return stream, first, err
}
