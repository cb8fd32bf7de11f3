package custody

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/format"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/retention"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
)

// Hold keeps a customer's data from being erased.
type Hold struct {
	ID       string
	Kind     string // by its name in the API: "KIND_LEGAL_CLAIM"
	Reason   string
	Until    retention.Day // the first day on which it holds no more; empty: until it is released
	Created  time.Time
	Released time.Time // zero while it was not
}

func asHold(h *storagev1.Hold) Hold {
	return Hold{
		ID: h.GetId(), Kind: h.GetKind(), Reason: h.GetReason(), Until: retention.Day(h.GetUntilDate()),
		Created: h.GetCreateTime().AsTime(), Released: instant(h.GetReleaseTime()),
	}
}

// over says whether it holds nothing on a day.
func (h Hold) over(day retention.Day) bool {
	return !h.Released.IsZero() || h.Until != "" && h.Until <= day
}

// HoldTitled is the kind of hold that lasts as long as the rule for titled claims
// says, where no other day is given.
const HoldTitled = "KIND_TITLED_CLAIM"

// HoldDraft is a hold to be placed.
type HoldDraft struct {
	Kind   string
	Reason string // without naming anyone
	Until  string // YYYY-MM-DD, or empty
}

// Hold places a hold.
func (c *Custodian) Hold(ctx context.Context, name resource.Customer, in HoldDraft, req Request) (Retention, error) {
	broken := checkReason(in.Reason, true)
	if in.Until != "" {
		broken = append(broken, checkDay("until_date", in.Until)...)
	}
	if len(broken) > 0 {
		return Retention{}, fault.Fields(broken...)
	}
	in.Reason = format.Tidy(in.Reason)
	id, revision := newID(), newRevision()
	return c.govern(ctx, name, req, func(d *Dossier) error { return d.hold(id, revision, in) })
}

func (d *Dossier) hold(id, revision string, in HoldDraft) error {
	if err := d.namesNobody(in.Reason); err != nil {
		return err
	}
	until := retention.Day(in.Until)
	switch {
	case until != "" && until <= d.today():
		return fault.Field("until_date", "until-date.past", "must be after today in the institute's time zone")
	case until == "" && in.Kind == HoldTitled:
		until = d.institute.Retention.Of(retention.TitledClaims, "").Due(d.today())
	}
	if all := d.stored.GetHolds(); len(all) >= mostKept {
		over := slices.IndexFunc(all, func(h *storagev1.Hold) bool { return asHold(h).over(d.today()) })
		if over < 0 {
			return fault.New(fault.Exhausted, ReasonTooMany, "a customer has at most %d holds", mostKept)
		}
		d.stored.Holds = slices.Delete(all, over, over+1) // the log has it
	}
	d.stored.Holds = append(d.stored.Holds, &storagev1.Hold{
		Id: id, Kind: in.Kind, Reason: in.Reason, UntilDate: string(until), CreateTime: timestamppb.New(d.now.UTC()),
	})
	d.stamp(d.stored.GetCustomer(), revision)
	return nil
}

// Release releases a hold.
func (c *Custodian) Release(ctx context.Context, name resource.Customer, id string, req Request) (Retention, error) {
	revision := newRevision()
	return c.govern(ctx, name, req, func(d *Dossier) error { return d.release(id, revision) })
}

func (d *Dossier) release(id, revision string) error {
	for _, h := range d.stored.GetHolds() {
		switch {
		case h.GetId() != id:
		case h.GetReleaseTime() != nil:
			return fault.New(fault.Precondition, ReasonHoldReleased, "the hold is released already")
		default:
			h.ReleaseTime = timestamppb.New(d.now.UTC())
			d.stamp(d.stored.GetCustomer(), revision)
			return nil
		}
	}
	return fault.New(fault.NotFound, ReasonHoldNotFound, "there is no such hold")
}

// held says whether a hold is in force, and from when on none will be; that day
// is empty where a hold lasts until it is released.
func (d *Dossier) held() (held bool, until retention.Day) {
	for _, stored := range d.stored.GetHolds() {
		switch h := asHold(stored); {
		case h.over(d.today()):
		case h.Until == "":
			return true, ""
		default:
			held, until = true, max(until, h.Until)
		}
	}
	return held, until
}

// govern changes what governs a dossier, and explains what it comes to.
func (c *Custodian) govern(ctx context.Context, name resource.Customer, req Request, rule func(*Dossier) error) (Retention, error) {
	d, err := c.governed(ctx, name, req, rule)
	if err != nil {
		return Retention{}, err
	}
	return d.retention(), nil
}

func (c *Custodian) governed(ctx context.Context, name resource.Customer, req Request, rule func(*Dossier) error) (*Dossier, error) {
	d, _, err := c.change(ctx, name, req, needs{doing: keeping}, func(d *Dossier) ([]string, error) { return nil, rule(d) })
	if err != nil {
		return nil, err
	}
	audit.Of(ctx).Subject(d.stored.GetSubjectId())
	return d, nil
}
