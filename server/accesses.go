package server

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody/export"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/access"
	"github.com/wertfach/wertfach/server/identity"
)

// What an export reads of the audit log. The log has no index by customer, so of a
// busy one only so much can be read while somebody waits: the newest, as far back as
// the time allows, which is far below that after which a stream stands still.
const (
	exportSpan   = 90 * day // where the request does not say from when on
	exportTime   = 10 * time.Second
	exportEvents = 5000
	firstSlice   = time.Hour // about what is read at first; each further one is twice as long
	longestSlice = 8 * day
	day          = 24 * time.Hour
)

// accesses reads who had access to a customer's data: the calls that were about the
// customer and succeeded. What was refused or failed gave nothing out.
type accesses struct {
	reader *audit.Reader
	table  access.Table
	now    func() time.Time
	bound  time.Duration // how long an export may read; exportTime
}

// list gives a page.
func (a accesses) list(ctx context.Context, q audit.Query) (audit.Page, error) {
	page, err := a.reader.List(ctx, q)
	if err != nil {
		return page, unread(err)
	}
	page.Events = slices.DeleteFunc(page.Events, func(e audit.Event) bool { return e.Code != codeName(codes.OK) })
	return page, nil
}

// exported is the time of which an export tells the accesses: from a full hour on,
// since the log lists hours and days at once, and minutes one by one.
func (a accesses) exported(start *timestamppb.Timestamp) (from, to time.Time, err error) {
	now := a.now()
	if start == nil {
		return now.Add(-exportSpan).Truncate(time.Hour), now, nil
	}
	from, to, err = span(start, timestamppb.New(now), now)
	var e *fault.Error
	if errors.As(err, &e) {
		return from, to, fault.Field("access_start_time", e.Violations[0].Rule, "must be at most 400 days ago, and not in the future")
	}
	return from.Truncate(time.Hour), to, err
}

// newest gives the accesses from the newest on, as far back towards from as there
// is time for: in slices of time, each whole. They begin with a full hour, and the
// longer ones with a day (UTC).
func (a accesses) newest(ctx context.Context, institute, subject string, from, to time.Time) (export.Accesses, error) {
	bounded, cancel := context.WithTimeout(ctx, a.bound)
	defer cancel()
	out := export.Accesses{From: to.UTC(), To: to.UTC(), Complete: true, Entries: []export.Access{}}
	for length := firstSlice; out.From.After(from); length = min(2*length, longestSlice) {
		begin := out.From.Add(-length).Truncate(min(length, day))
		if begin.Before(from) {
			begin = from
		}
		slice, intact, err := a.slice(bounded, audit.Query{Institute: institute, Subject: subject, From: begin.UTC(), To: out.From, Size: maxEvents})
		switch {
		case ctx.Err() != nil:
			return out, ctx.Err()
		case bounded.Err() != nil, errors.Is(err, audit.ErrBroken), len(out.Entries)+len(slice) > exportEvents:
			out.Complete = false
			return out, nil
		case err != nil:
			return out, err
		}
		out.Entries, out.From, out.Complete = append(slice, out.Entries...), begin.UTC(), out.Complete && intact
	}
	return out, nil
}

// slice gives all accesses in a time, and says whether nothing was left out that is
// damaged.
func (a accesses) slice(ctx context.Context, q audit.Query) (entries []export.Access, intact bool, err error) {
	entries, intact = []export.Access{}, true // a list is a list, also in JSON
	for {
		page, err := a.list(ctx, q)
		if err != nil {
			return nil, false, err
		}
		intact = intact && !page.Damaged
		for _, e := range page.Events {
			entries = append(entries, a.entry(e))
		}
		if page.Next == "" || len(entries) > exportEvents {
			return entries, intact, nil
		}
		q.Token = page.Next
	}
}

func (a accesses) entry(e audit.Event) export.Access {
	effect := "other"
	if rule := a.table["/wertfach.v1."+e.Action]; rule != nil {
		effect = strings.ToLower(strings.TrimPrefix(rule.Effect.String(), "EFFECT_"))
	}
	return export.Access{
		Time: e.Time.UTC(), Action: e.Action, Effect: effect, Role: e.Role, Purpose: e.Purpose, Artefact: e.Artefact, Scan: e.Scan,
		Fields: append([]string{}, e.Fields...),
	}
}

// toAccess is an event for who asks. Who called is named to privacy officers alone.
func toAccess(customer resource.Customer, e audit.Event, officer bool) *wertfachv1.DataAccess {
	out := &wertfachv1.DataAccess{Time: timestamppb.New(e.Time), Action: e.Action, Role: e.Role, Purpose: e.Purpose, Fields: e.Fields}
	artefact := resource.Artefact{Customer: customer, ID: e.Artefact}
	if e.Artefact != "" {
		out.Artefact = artefact.String()
	}
	if e.Scan != "" {
		out.Scan = resource.Scan{Artefact: artefact, ID: e.Scan}.String()
	}
	if officer {
		out.Principal, out.Machine = e.Principal, e.Machine
	}
	return out
}

// isOfficer says whether the call was admitted in the role of a privacy officer.
func isOfficer(ctx context.Context) bool {
	return audit.Of(ctx).Event().Role == identity.RoleName(wertfachv1.Role_ROLE_PRIVACY_OFFICER)
}
