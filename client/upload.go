package client

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"

	"github.com/gabriel-vasile/mimetype"
	"github.com/google/uuid"

	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// chunk is how much content a message of an upload carries, in bytes: with its
// frame it just fits gRPC's buffers of 32 KiB. A larger one takes a buffer of 1
// MiB and clears it, here and at the server, for each message.
const chunk = 32<<10 - 64

// sniffed is how much of the content tells its media type, in bytes.
const sniffed = 3072

// ReasonDiffers is the reason of a transfer whose content is not what the server
// says of it. Nobody should ever see it.
const ReasonDiffers = "CONTENT_DIFFERS"

// An UploadOption says more of a scan that is uploaded.
type UploadOption func(*wertfachv1.UploadScanHeader)

// FileName is the name of the file at the customer's, without folders.
func FileName(name string) UploadOption {
	return func(h *wertfachv1.UploadScanHeader) { h.Scan.FileName = name }
}

// MediaType is application/pdf, image/jpeg, image/png, image/tiff or image/heic.
// Without it the content's first bytes tell.
func MediaType(mediaType string) UploadOption {
	return func(h *wertfachv1.UploadScanHeader) { h.Scan.MediaType = mediaType }
}

// SHA256 is the hash that the content must have; the server refuses any other.
func SHA256(sum [sha256.Size]byte) UploadOption {
	return func(h *wertfachv1.UploadScanHeader) { h.Scan.Sha256 = hex.EncodeToString(sum[:]) }
}

// RequestID is the UUID of the upload. An upload that is repeated with the same
// id and the same description is done once.
func RequestID(id string) UploadOption {
	return func(h *wertfachv1.UploadScanHeader) { h.RequestId = id }
}

// UploadScan adds a file to an artefact, a scan or a photograph of size bytes,
// and gives its description as it is kept. It reads content once, holds 128 KiB of
// it at a time, and fails, leaving nothing behind, unless content ends after
// exactly size bytes and arrives whole.
//
// An upload is not repeated by itself, since content can't be read twice. Where
// it fails with kind Unavailable, call again with the same [RequestID] and the
// content from its beginning. The context bounds the whole transfer. Errors of
// content come back as they are.
func (c *Client) UploadScan(ctx context.Context, artefact string, content io.Reader, size int64, opts ...UploadOption) (*wertfachv1.Scan, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // the server throws away what was not finished
	buffered := bufio.NewReaderSize(content, sniffed)
	head, err := buffered.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	header := &wertfachv1.UploadScanHeader{Parent: artefact, Scan: &wertfachv1.Scan{SizeBytes: size}, RequestId: uuid.NewString()}
	for _, option := range opts {
		option(header)
	}
	if header.GetScan().GetMediaType() == "" {
		header.Scan.MediaType = detect(head)
	}
	var stream wertfachv1.ArtefactService_UploadScanClient
	err = c.retries.do(ctx, func(ctx context.Context) (err error) { // nothing is sent yet
		stream, err = c.Artefacts.UploadScan(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	up := upload{stream: stream, hash: sha256.New(), left: size}
	if err := up.send(&wertfachv1.UploadScanRequest{Part: &wertfachv1.UploadScanRequest_Header{Header: header}}); err != nil {
		return nil, err
	}
	if err := up.sendAll(buffered); err != nil {
		return nil, err
	}
	scan, err := stream.CloseAndRecv()
	if err != nil {
		return nil, err
	}
	if scan.GetSha256() != hex.EncodeToString(up.hash.Sum(nil)) {
		return nil, fault.New(fault.Corrupt, ReasonDiffers, "the server did not keep what was sent; remove the scan %s", scan.GetName())
	}
	return scan, nil
}

// upload sends content and hashes it.
type upload struct {
	stream wertfachv1.ArtefactService_UploadScanClient
	hash   hash.Hash
	left   int64
}

// sendAll sends what content holds, which must be what is left and no more.
func (u *upload) sendAll(content io.Reader) error {
	for {
		// A message that was sent must not be changed, so each has its own bytes.
		buffer := make([]byte, max(1, min(chunk, u.left+1)))
		n, err := io.ReadFull(content, buffer)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		ended := err != nil
		u.left -= int64(n)
		if u.left < 0 || ended && u.left > 0 {
			return fault.Field("header.scan.size_bytes", "size.differs", "is not the size of the content")
		}
		if n > 0 {
			u.hash.Write(buffer[:n])
			if err := u.send(&wertfachv1.UploadScanRequest{Part: &wertfachv1.UploadScanRequest_Chunk{Chunk: buffer[:n]}}); err != nil {
				return err
			}
		}
		if ended {
			return nil
		}
	}
}

// send sends a message. Where the server has ended the call, it gives the
// server's reason.
func (u *upload) send(m *wertfachv1.UploadScanRequest) error {
	err := u.stream.Send(m)
	if !errors.Is(err, io.EOF) {
		return err
	}
	if _, err := u.stream.CloseAndRecv(); err != nil {
		return err
	}
	return fault.New(fault.Internal, ReasonDiffers, "the server ended the upload before its end")
}

// heic are the names that HEIC files go by, each for another brand within.
var heic = []string{"image/heic", "image/heif", "image/heic-sequence", "image/heif-sequence"}

// detect tells a file's media type by its beginning.
func detect(head []byte) string {
	found := mimetype.Detect(head)
	for _, name := range heic {
		if found.Is(name) {
			return heic[0]
		}
	}
	return found.String()
}
