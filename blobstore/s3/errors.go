package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/wertfach/wertfach/blobstore"
)

// fault translates an error of the library. What the server said comes first,
// then the end of the context, and everything else is the network. URLs, which
// hold object names, stay out of the text.
func fault(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var said minio.ErrorResponse
	if errors.As(err, &said) && said.StatusCode != 0 {
		return answer(said)
	}
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	// The library's own text for a connection that was cut holds the URL.
	if strings.Contains(err.Error(), "foreign host") {
		err = errCut
	}
	return fmt.Errorf("%w: %v", blobstore.ErrUnavailable, err) // %w would pass off a dial timeout as the end of the context
}

// answer is the error for an answer of the server.
func answer(said minio.ErrorResponse) error {
	status := said.StatusCode
	switch said.Code {
	case minio.NoSuchKey:
		return blobstore.ErrNotFound
	case minio.PreconditionFailed, "ConditionalRequestConflict":
		return blobstore.ErrConflict
	case minio.EntityTooLarge:
		return blobstore.ErrTooLarge
	case minio.NoSuchBucket, "IncompleteBody", "RequestTimeout", "OperationAborted":
		status = http.StatusServiceUnavailable
	}
	text := fmt.Sprintf("the server answered %s (HTTP %d, request %s)", said.Code, said.StatusCode, said.RequestID)
	switch status {
	case http.StatusPreconditionFailed:
		return blobstore.ErrConflict
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return fmt.Errorf("%w: %s", blobstore.ErrUnavailable, text)
	}
	if status < http.StatusBadRequest || status >= http.StatusInternalServerError {
		return fmt.Errorf("%w: %s", blobstore.ErrUnavailable, text)
	}
	return errors.New(text)
}

var (
	errCut = errors.New("the connection was cut")
	// errNoETag is a write that was acknowledged by something that is not S3.
	errNoETag = fmt.Errorf("%w: it acknowledged a write without an ETag", blobstore.ErrUnavailable)
)
