package custody

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
)

// Restriction is a restriction of processing (Art. 18 GDPR).
type Restriction struct {
	Ground  string // of Art. 18(1), by its name in the API: "GROUND_OBJECTION"
	Created time.Time
	Told    time.Time // when the customer was told that it is going to be lifted
	Lifted  time.Time // zero while it is in force
}

// mostKept bounds how many restrictions, and how many holds, a dossier has. Those
// that are over give way.
const mostKept = 100

// restriction is the one in force, or nil.
func (d *Dossier) restriction() *storagev1.Restriction {
	all := d.stored.GetRestrictions()
	if len(all) == 0 || all[len(all)-1].GetLiftTime() != nil {
		return nil
	}
	return all[len(all)-1]
}

// Restrict restricts the processing of a customer's data on a ground of Art.
// 18(1) GDPR. Until it is lifted nothing is changed or erased, by rule either.
func (c *Custodian) Restrict(ctx context.Context, name resource.Customer, ground string, req Request) (Retention, error) {
	revision := newRevision()
	d, err := c.governed(ctx, name, req, func(d *Dossier) error { return d.restrict(ground, revision) })
	if err != nil {
		return Retention{}, err
	}
	out := d.retention()
	out.Recipients = d.others()
	return out, nil
}

func (d *Dossier) restrict(ground, revision string) error {
	if d.restriction() != nil {
		return fault.New(fault.Precondition, ReasonRestricted, "the processing is restricted already")
	}
	if all := d.stored.GetRestrictions(); len(all) >= mostKept {
		d.stored.Restrictions = all[len(all)-mostKept+1:] // the log has those that were lifted long ago
	}
	d.stored.Restrictions = append(d.stored.Restrictions, &storagev1.Restriction{Ground: ground, CreateTime: timestamppb.New(d.now.UTC())})
	d.stamp(d.stored.GetCustomer(), revision)
	return nil
}

// Lift lifts the restriction of a customer who was told so before, at the time
// given (Art. 18(3) GDPR).
func (c *Custodian) Lift(ctx context.Context, name resource.Customer, told time.Time, req Request) (Retention, error) {
	revision := newRevision()
	return c.govern(ctx, name, req, func(d *Dossier) error { return d.lift(told, revision) })
}

func (d *Dossier) lift(told time.Time, revision string) error {
	r := d.restriction()
	switch {
	case r == nil:
		return fault.New(fault.Precondition, ReasonNotRestricted, "the processing is not restricted")
	case told.Before(r.GetCreateTime().AsTime()):
		return fault.Field("customer_told_time", "told.before", "must not be before the restriction")
	case told.After(d.now) && told.After(r.GetCreateTime().AsTime()): // another server's clock may be ahead
		return fault.Field("customer_told_time", "told.future", "must not be in the future: the customer is told first")
	}
	r.CustomerToldTime, r.LiftTime = timestamppb.New(told.UTC()), timestamppb.New(d.now.UTC())
	d.stamp(d.stored.GetCustomer(), revision)
	return nil
}
