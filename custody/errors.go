package custody

import (
	"context"
	"errors"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/seal"
	"github.com/wertfach/wertfach/vault"
)

// Reasons that callers can act upon, in the `reason` of google.rpc.ErrorInfo.
const (
	ReasonInstituteNotFound   = "INSTITUTE_NOT_FOUND"
	ReasonCustomerNotFound    = "CUSTOMER_NOT_FOUND"
	ReasonArtefactNotFound    = "ARTEFACT_NOT_FOUND"
	ReasonScanNotFound        = "SCAN_NOT_FOUND"
	ReasonReceiptNotFound     = "RECEIPT_NOT_FOUND"
	ReasonCustomerExists      = "CUSTOMER_EXISTS"
	ReasonStaleETag           = "STALE_ETAG"
	ReasonContention          = "CONTENTION"
	ReasonFormerContract      = "FORMER_CONTRACT_KEPT"
	ReasonContractEnded       = "CONTRACT_ENDED"
	ReasonContractRuns        = "CONTRACT_NOT_TERMINATED"
	ReasonRestricted          = "PROCESSING_RESTRICTED"
	ReasonNotRestricted       = "PROCESSING_NOT_RESTRICTED"
	ReasonHeld                = "HELD"
	ReasonHoldNotFound        = "HOLD_NOT_FOUND"
	ReasonHoldReleased        = "HOLD_RELEASED"
	ReasonBeingErased         = "BEING_ERASED"
	ReasonErasureRequested    = "ERASURE_REQUESTED"
	ReasonErasureNotRequested = "ERASURE_NOT_REQUESTED"
	ReasonSecondOfficer       = "SECOND_OFFICER_NEEDED"
	ReasonExempt              = "ERASURE_EXEMPT"
	ReasonErasurePending      = "ERASURE_PENDING"
	ReasonServiceNotBooked    = "SERVICE_NOT_BOOKED"
	ReasonETagRequired        = "ETAG_REQUIRED"
	ReasonRequestIDReused     = "REQUEST_ID_REUSED"
	ReasonTooMany             = "TOO_MANY"
	ReasonTooLarge            = "TOO_LARGE"
	ReasonUnavailable         = "BACKEND_UNAVAILABLE"
	ReasonRestored            = "BACKUP_RESTORED"
	ReasonCorrupt             = "OBJECT_CORRUPT"
	ReasonAudit               = "AUDIT_UNAVAILABLE"
	ReasonDisclosureNotFound  = "DISCLOSURE_NOT_FOUND"
	ReasonNothingOwed         = "NOTHING_OWED"
)

// retryAfter is how long a caller should wait for a backend that is away.
const retryAfter = time.Second

// pendingRetry is how long a caller should wait for the sweep that finishes an
// erasure. Sweeps that do so run each minute.
const pendingRetry = 30 * time.Second

func customerNotFound() error {
	return fault.New(fault.NotFound, ReasonCustomerNotFound, "the customer is not enrolled")
}

// NotThere is the answer for a resource of that name which is not there, for
// callers to whom nothing is there: it is the same whether or not it exists.
func NotThere(name string) error {
	if _, err := resource.ParseInstitute("", name); err == nil {
		return instituteNotFound()
	}
	if _, err := resource.ParseReceipt("", name); err == nil {
		return receiptNotFound()
	}
	return customerNotFound()
}

func instituteNotFound() error {
	return fault.New(fault.NotFound, ReasonInstituteNotFound, "the institute is not served")
}

func artefactNotFound() error {
	return fault.New(fault.NotFound, ReasonArtefactNotFound, "the artefact is not registered")
}

func scanNotFound() error {
	return fault.New(fault.NotFound, ReasonScanNotFound, "the scan is not there")
}

func beingErased() error {
	return fault.New(fault.Precondition, ReasonBeingErased, "the customer is being erased")
}

func staleETag() error {
	return fault.New(fault.Aborted, ReasonStaleETag, "etag: the resource has changed since it was read")
}

func requestIDReused() error {
	e := fault.Field("request_id", "request-id.reused", "was used for another request")
	e.Reason = ReasonRequestIDReused
	return e
}

func contention() error {
	e := fault.New(fault.Aborted, ReasonContention, "too many changes of the same customer at once")
	e.RetryAfter = maxBackoff
	return e
}

func unavailable(cause error) error {
	e := fault.Wrap(cause, fault.Unavailable, ReasonUnavailable, "a store of keys or objects can't be used at the moment")
	e.RetryAfter = retryAfter
	return e
}

// backend turns what vault and blobstore say into the vocabulary of package
// fault. Errors of that vocabulary, and of a context that ended, stay as they
// are.
func backend(err error) error {
	var known *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, vault.ErrNotFound):
		return customerNotFound() // the key was destroyed a moment ago
	case errors.Is(err, blobstore.ErrConflict):
		return contention() // replaced time and again while it was read
	case errors.Is(err, vault.ErrUnavailable), errors.Is(err, vault.ErrDenied), errors.Is(err, blobstore.ErrUnavailable):
		return unavailable(err)
	case errors.Is(err, seal.ErrCorrupt), errors.Is(err, vault.ErrInvalid):
		return fault.Wrap(err, fault.Corrupt, ReasonCorrupt, "a stored object does not authenticate")
	default:
		return fault.Wrap(err, fault.Internal, "INTERNAL", "internal error")
	}
}
