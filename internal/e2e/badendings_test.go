package e2e_test

import (
	"context"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

func terminating(name func(*scene) string, date, reason string) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		_, err := s.lifecycle.TerminateContract(ctx, &wertfachv1.TerminateContractRequest{Name: name(s), EffectiveDate: date, Reason: reason})
		return err
	}
}

func cancelling(name func(*scene) string) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		_, err := s.lifecycle.CancelTermination(ctx, &wertfachv1.CancelTerminationRequest{Name: name(s)})
		return err
	}
}

func erasing(name func(*scene) string, reason, etag string) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		req := erasure(name(s), reason)
		req.Etag = etag
		_, err := s.lifecycle.RequestErasure(ctx, req)
		return err
	}
}

func confirming(name func(*scene) string, reason, etag string) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		_, err := s.lifecycle.EraseCustomer(ctx, &wertfachv1.EraseCustomerRequest{Name: name(s), Reason: reason, Etag: etag})
		return err
	}
}

func holding(name func(*scene) string, reason, until string) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		_, err := s.lifecycle.PlaceHold(ctx, &wertfachv1.PlaceHoldRequest{
			Name: name(s), Kind: wertfachv1.Hold_KIND_LEGAL_CLAIM, Reason: reason, UntilDate: until,
		})
		return err
	}
}

func deleting(name func(*scene) string, etag string) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		_, err := s.artefacts.DeleteArtefact(ctx, &wertfachv1.DeleteArtefactRequest{Name: name(s), Etag: etag})
		return err
	}
}

func badEndings() []refusal {
	ofNobody := func(*scene) string { return nobody }
	ofEnded := func(s *scene) string { return s.ended.GetName() }
	yesterday := time.Now().AddDate(0, 0, -2).Format(time.DateOnly) // in every time zone
	rows := []refusal{
		{"delete an artefact that is not there", deleting(func(s *scene) string { return s.erika.GetName() + "/artefacts/" + absent }, ""),
			codes.NotFound, "ARTEFACT_NOT_FOUND", nil},
		{"delete an artefact with a stale etag", deleting(func(s *scene) string { return s.sim.GetName() }, "stale-4711"),
			codes.Aborted, "STALE_ETAG", nil},
		invalid("delete an artefact with a long etag", deleting(func(s *scene) string { return s.sim.GetName() }, strings.Repeat("etag", 17)),
			"etag string.max_len"),

		invalid("terminate in the past", terminating(ofErika, yesterday, ""), "effective_date effective-date.past"),
		invalid("terminate never", terminating(ofErika, "", ""), "effective_date date.format"),
		invalid("terminate on no day", terminating(ofErika, "2031-02-29", ""), "effective_date date.calendar"),
		invalid("terminate in words", terminating(ofErika, "next Monday", ""), "effective_date date.format"),
		invalid("terminate and name somebody", terminating(ofErika, "2099-12-31", "moved to erika@mustermann.example"), "reason reason.personal"),
		invalid("terminate in the past and name somebody", terminating(ofErika, "2031-02-29", "account DE89 3704 0044"),
			"effective_date date.calendar", "reason reason.personal"),
		{"terminate nobody", terminating(ofNobody, "2099-12-31", ""), codes.NotFound, "CUSTOMER_NOT_FOUND", nil},
		{"terminate what has ended", terminating(ofEnded, "2099-12-31", ""), codes.FailedPrecondition, "CONTRACT_ENDED", nil},
		{"cancel what was not terminated", cancelling(ofErika), codes.FailedPrecondition, "CONTRACT_NOT_TERMINATED", nil},
		{"cancel what has ended", cancelling(ofEnded), codes.FailedPrecondition, "CONTRACT_ENDED", nil},
		{"cancel for nobody", cancelling(ofNobody), codes.NotFound, "CUSTOMER_NOT_FOUND", nil},

		invalid("erase without a reason", erasing(ofErika, "", ""), "reason required"),
		invalid("erase for white space", erasing(ofErika, " \t ", ""), "reason required"),
		invalid("erase and name an address", erasing(ofErika, "asked by erika@mustermann.example", ""), "reason reason.personal"),
		invalid("erase and name a number", erasing(ofErika, "asked by 0171/234 56 78", ""), "reason reason.personal"),
		invalid("erase at length", erasing(ofErika, strings.Repeat("because ", 30), ""), "reason reason.length"),
		invalid("erase on several lines", erasing(ofErika, "asked\nby letter", ""), "reason control"),
		invalid("erase with a long etag", erasing(ofErika, "asked by letter", strings.Repeat("etag", 17)), "etag string.max_len"),
		{"erase with a stale etag", erasing(ofErika, "asked by letter", "stale-4711"), codes.Aborted, "STALE_ETAG", nil},
		{"erase nobody", erasing(ofNobody, "asked by letter", ""), codes.NotFound, "CUSTOMER_NOT_FOUND", nil},
		{"erase on no ground", func(ctx context.Context, s *scene) error {
			_, err := s.lifecycle.RequestErasure(ctx, &wertfachv1.RequestErasureRequest{Name: ofErika(s), Reason: "asked by letter"})
			return err
		}, codes.InvalidArgument, "INVALID_FIELD", []string{"ground required"}},
		{"confirm what nobody asked for", confirming(ofErika, "", ""), codes.FailedPrecondition, "ERASURE_NOT_REQUESTED", nil},
		{"confirm for nobody", confirming(ofNobody, "", ""), codes.NotFound, "CUSTOMER_NOT_FOUND", nil},
		invalid("confirm and name an address", confirming(ofErika, "asked by erika@mustermann.example", ""), "reason reason.personal"),
		{"confirm with a stale etag", confirming(ofErika, "", "stale-4711"), codes.Aborted, "STALE_ETAG", nil},
		{"take back what nobody asked for", func(ctx context.Context, s *scene) error {
			_, err := s.lifecycle.CancelErasure(ctx, &wertfachv1.CancelErasureRequest{Name: ofErika(s)})
			return err
		}, codes.FailedPrecondition, "ERASURE_NOT_REQUESTED", nil},

		invalid("hold without a reason", holding(ofErika, "", ""), "reason required"),
		invalid("hold and name an address", holding(ofErika, "against erika@mustermann.example", ""), "reason reason.personal"),
		invalid("hold until the past", holding(ofErika, "4 O 12/26", yesterday), "until_date until-date.past"),
		invalid("hold until no day", holding(ofErika, "4 O 12/26", "2031-02-29"), "until_date date.calendar"),
		{"hold nobody", holding(ofNobody, "4 O 12/26", ""), codes.NotFound, "CUSTOMER_NOT_FOUND", nil},
		{"release no hold", func(ctx context.Context, s *scene) error {
			_, err := s.lifecycle.ReleaseHold(ctx, &wertfachv1.ReleaseHoldRequest{Name: ofErika(s), HoldId: absent})
			return err
		}, codes.NotFound, "HOLD_NOT_FOUND", nil},
		{"restrict on no ground", func(ctx context.Context, s *scene) error {
			_, err := s.lifecycle.RestrictProcessing(ctx, &wertfachv1.RestrictProcessingRequest{Name: ofErika(s)})
			return err
		}, codes.InvalidArgument, "INVALID_FIELD", []string{"ground required"}},
		{"lift no restriction", func(ctx context.Context, s *scene) error {
			_, err := s.lifecycle.LiftRestriction(ctx, &wertfachv1.LiftRestrictionRequest{Name: ofErika(s), CustomerToldTime: timestamppb.Now()})
			return err
		}, codes.FailedPrecondition, "PROCESSING_NOT_RESTRICTED", nil},
		{"lift without having told", func(ctx context.Context, s *scene) error {
			_, err := s.lifecycle.LiftRestriction(ctx, &wertfachv1.LiftRestrictionRequest{Name: ofErika(s)})
			return err
		}, codes.InvalidArgument, "INVALID_FIELD", []string{"customer_told_time required"}},
		invalid("explain a termination on no day", func(ctx context.Context, s *scene) error {
			_, err := s.lifecycle.ExplainRetention(ctx, &wertfachv1.ExplainRetentionRequest{Name: ofErika(s), EffectiveDate: "2031-02-29"})
			return err
		}, "effective_date date.calendar"),
	}
	for what, name := range map[string]string{
		"no receipt": bank + "/receipts/" + absent, "the receipt of an unknown institute": "institutes/strange/receipts/" + absent,
	} {
		rows = append(rows, refusal{"get " + what, func(ctx context.Context, s *scene) error {
			_, err := s.lifecycle.GetErasureReceipt(ctx, &wertfachv1.GetErasureReceiptRequest{Name: name})
			return err
		}, codes.NotFound, "RECEIPT_NOT_FOUND", nil})
	}
	for what, name := range map[string]func(*scene) string{
		"that is not there":   func(s *scene) string { return s.doc.GetName() + "/scans/" + absent },
		"of another artefact": func(s *scene) string { return strings.Replace(s.scan.GetName(), s.doc.GetName(), s.sim.GetName(), 1) },
	} {
		rows = append(rows,
			refusal{"download a scan " + what, func(ctx context.Context, s *scene) error { return s.download(ctx, name(s)) },
				codes.NotFound, "SCAN_NOT_FOUND", nil},
			refusal{"delete a scan " + what, func(ctx context.Context, s *scene) error {
				_, err := s.artefacts.DeleteScan(ctx, &wertfachv1.DeleteScanRequest{Name: name(s)})
				return err
			}, codes.NotFound, "SCAN_NOT_FOUND", nil})
	}
	return append(rows, refusal{"download a scan of nobody", func(ctx context.Context, s *scene) error {
		return s.download(ctx, nobody+"/artefacts/"+absent+"/scans/"+absent)
	}, codes.NotFound, "CUSTOMER_NOT_FOUND", nil})
}

// download begins a download and gives its first error.
func (s *scene) download(ctx context.Context, name string) error {
	stream, err := s.artefacts.DownloadScan(ctx, &wertfachv1.DownloadScanRequest{Name: name})
	if err != nil {
		return err
	}
	_, err = stream.Recv()
	return err
}
