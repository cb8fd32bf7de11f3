package server

import (
	"context"
	"errors"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/vault"
)

// Sizes of a page of events, and the longest time that is listed.
const (
	defaultEvents = 100
	maxEvents     = 1000
	maxSpan       = 400 * 24 * time.Hour
)

// events is the AuditService.
type events struct {
	wertfachv1.UnsafeAuditServiceServer
	reader    *audit.Reader
	custodian *custody.Custodian
	now       func() time.Time
	// verifying holds one token while the log is verified: that reads all of it.
	verifying chan struct{}
}

func (s events) ListEvents(ctx context.Context, req *wertfachv1.ListEventsRequest) (*wertfachv1.ListEventsResponse, error) {
	q, err := s.query(ctx, req)
	if err != nil {
		return nil, err
	}
	page, err := s.reader.List(ctx, q)
	if err != nil {
		return nil, unread(err)
	}
	out := &wertfachv1.ListEventsResponse{NextPageToken: page.Next, Damaged: page.Damaged}
	for _, e := range page.Events {
		out.Events = append(out.Events, toEvent(e))
	}
	return out, nil
}

func (s events) query(ctx context.Context, req *wertfachv1.ListEventsRequest) (audit.Query, error) {
	institute, err := resource.ParseInstitute("parent", req.GetParent())
	if err != nil {
		return audit.Query{}, err
	}
	if !s.custodian.Serves(institute.ID) {
		return audit.Query{}, custody.NotThere(institute.String())
	}
	from, to, err := span(req.GetStartTime(), req.GetEndTime(), s.now())
	if err != nil {
		return audit.Query{}, err
	}
	q := audit.Query{
		Institute: institute.ID, Principal: req.GetPrincipal(), From: from, To: to, Size: eventsAtOnce(req.GetPageSize()), Token: req.GetPageToken(),
	}
	if req.GetCustomer() == "" {
		return q, nil
	}
	customer, err := resource.ParseCustomer("customer", req.GetCustomer())
	if err != nil {
		return q, err
	}
	if customer.Institute != institute {
		return q, fault.Field("customer", "customer.parent", "must be a customer of parent")
	}
	q.Subject, err = s.custodian.Subject(ctx, customer)
	return q, err
}

// span is the time that a request asks for, to now where end is nil.
func span(start, end *timestamppb.Timestamp, now time.Time) (from, to time.Time, err error) {
	from, to = start.AsTime(), now
	if end != nil {
		to = end.AsTime()
	}
	switch {
	case start.CheckValid() != nil || end != nil && end.CheckValid() != nil:
		err = fault.Field("start_time", "time.range", "must be a time from the year 1 to 9999, as must end_time")
	case to.Before(from):
		err = fault.Field("end_time", "time.order", "must not be before start_time")
	case to.Sub(from) > maxSpan:
		err = fault.Field("end_time", "time.span", "must be at most 400 days after start_time")
	}
	return from, to, err
}

// eventsAtOnce is how many events a page has that is asked for with this size.
func eventsAtOnce(size int32) int {
	if size == 0 {
		return defaultEvents
	}
	return min(int(size), maxEvents)
}

func (s events) VerifyLog(ctx context.Context, req *wertfachv1.VerifyLogRequest) (*wertfachv1.VerifyLogResponse, error) {
	var from time.Time
	if day := req.GetStartDate(); day != "" {
		var err error
		if from, err = time.Parse(time.DateOnly, day); err != nil {
			return nil, fault.Field("start_date", "date.calendar", "must be a day of the calendar, YYYY-MM-DD")
		}
	}
	select {
	case s.verifying <- struct{}{}:
		defer func() { <-s.verifying }()
	default:
		e := fault.New(fault.Exhausted, "TOO_MANY_CALLS", "the log is being verified; one call at a time does that")
		e.RetryAfter = time.Second
		return nil, e
	}
	report, err := s.reader.Verify(ctx, from, s.now())
	if err != nil {
		return nil, unread(err)
	}
	out := &wertfachv1.VerifyLogResponse{Intact: report.Intact()}
	for _, c := range report.Chains {
		out.Chains = append(out.Chains, &wertfachv1.VerifyLogResponse_Chain{
			Id: c.ID, Segments: c.Segments, Events: c.Events, FirstTime: stamp(c.First), LastTime: stamp(c.Last),
		})
	}
	for _, f := range report.Findings {
		out.Faults = append(out.Faults, &wertfachv1.VerifyLogResponse_Fault{Chain: f.Chain, Segment: f.Segment, Problem: f.Problem})
	}
	return out, nil
}

// unread turns what a reader of the log says into the vocabulary of package fault.
func unread(err error) error {
	switch {
	case errors.Is(err, audit.ErrToken):
		return fault.Field("page_token", "page-token.stale", "does not belong to this query; begin again without it")
	case errors.Is(err, audit.ErrBroken):
		return fault.Wrap(err, fault.Corrupt, "LOG_DAMAGED", "a segment of the audit log is damaged; VerifyLog names it")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, blobstore.ErrUnavailable), errors.Is(err, vault.ErrUnavailable), errors.Is(err, vault.ErrDenied):
		e := fault.Wrap(err, fault.Unavailable, custody.ReasonUnavailable, "the audit log can't be read at the moment")
		e.RetryAfter = time.Second
		return e
	default:
		return err
	}
}

func toEvent(e audit.Event) *wertfachv1.Event {
	return &wertfachv1.Event{
		Id: e.ID, Time: timestamppb.New(e.Time), Action: e.Action, Principal: e.Principal, Machine: e.Machine, Role: e.Role,
		Institute: e.Institute, Subject: e.Subject, Artefact: e.Artefact, Scan: e.Scan, Receipt: e.Receipt, Purpose: e.Purpose, Fields: e.Fields,
		Call: e.Call, RequestId: e.RequestID, Code: e.Code, Reason: e.Reason, Skipped: int64(e.Skipped), Classes: e.Classes,
	}
}
