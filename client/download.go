package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// A DownloadOption says more of a download.
type DownloadOption func(*downloadOptions)

type downloadOptions struct {
	begin   func(*wertfachv1.Scan)
	purpose wertfachv1.RestrictedPurpose
}

// DownloadRestricted fetches a scan that is restricted as well, for a purpose of
// Art. 18(2) GDPR. It is for privacy officers; the unspecified purpose changes
// nothing.
func DownloadRestricted(purpose wertfachv1.RestrictedPurpose) DownloadOption {
	return func(o *downloadOptions) { o.purpose = purpose }
}

// Begin has do called with the scan's description before any content is
// written: in time to set the headers of an HTTP answer.
func Begin(do func(*wertfachv1.Scan)) DownloadOption {
	return func(o *downloadOptions) { o.begin = do }
}

// DownloadScan writes a scan's content to w and gives its description. Only
// where the error is nil is what w got the whole content: size and SHA-256 are
// compared with the description. So write to a place that can be thrown away,
// and put it where it belongs afterwards. The context bounds the whole transfer.
// Errors of w come back as they are.
func (c *Client) DownloadScan(ctx context.Context, name string, w io.Writer, opts ...DownloadOption) (*wertfachv1.Scan, error) {
	options := downloadOptions{begin: func(*wertfachv1.Scan) {}}
	for _, option := range opts {
		option(&options)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, scan, err := c.openScan(ctx, &wertfachv1.DownloadScanRequest{Name: name, RestrictedPurpose: options.purpose})
	if err != nil {
		return nil, err
	}
	options.begin(scan)
	hash := sha256.New()
	size := int64(0)
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		size += int64(len(part.GetChunk()))
		if size > scan.GetSizeBytes() {
			break
		}
		hash.Write(part.GetChunk())
		if _, err := w.Write(part.GetChunk()); err != nil {
			return nil, err
		}
	}
	if size != scan.GetSizeBytes() || hex.EncodeToString(hash.Sum(nil)) != scan.GetSha256() {
		return nil, fault.New(fault.Corrupt, ReasonDiffers, "what arrived is not the scan: size or SHA-256 differ")
	}
	return scan, nil
}

// openScan begins a download, and begins again where that fails before any
// content came.
func (c *Client) openScan(ctx context.Context, req *wertfachv1.DownloadScanRequest) (stream wertfachv1.ArtefactService_DownloadScanClient, scan *wertfachv1.Scan, err error) {
	err = c.retries.do(ctx, func(ctx context.Context) error {
		stream, err = c.Artefacts.DownloadScan(ctx, req)
		if err != nil {
			return err
		}
		first, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF), err == nil && first.GetScan() == nil:
			return fault.New(fault.Corrupt, ReasonDiffers, "the server sent no description of the scan")
		case err != nil:
			return err
		}
		scan = first.GetScan()
		return nil
	})
	return stream, scan, err
}
