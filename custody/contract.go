package custody

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/format"
	"github.com/wertfach/wertfach/custody/resource"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
)

// State says where a contract stands.
type State int

// The states of a contract, in their order.
const (
	Active      State = iota // it runs
	Terminating              // its end is fixed and can be cancelled
	Ended                    // it is over; what is kept is restricted, and goes by the retention rules
)

// Contract says where a customer's contract stands.
type Contract struct {
	State State
	// EffectiveDate is the first day without contract, YYYY-MM-DD in the
	// institute's time zone; empty while no end is fixed.
	EffectiveDate string
	Reason        string
}

func (d *Dossier) contract() Contract {
	t := d.stored.GetTermination()
	return Contract{State: d.State(), EffectiveDate: t.GetEffectiveDate(), Reason: t.GetReason()}
}

// Terminate fixes the first day on which the contract no longer stands: today,
// which ends it at once, or later.
func (c *Custodian) Terminate(ctx context.Context, name resource.Customer, date, reason string, req Request) (Customer, error) {
	broken := append(checkDay("effective_date", date), checkReason(reason, false)...)
	if len(broken) > 0 {
		return Customer{}, fault.Fields(broken...)
	}
	revision := newRevision()
	d, _, err := c.change(ctx, name, req, needs{doing: keeping}, func(d *Dossier) ([]string, error) {
		return nil, d.terminate(date, format.Tidy(reason), revision)
	})
	if err != nil {
		return Customer{}, err
	}
	return d.answer(), nil
}

func (d *Dossier) terminate(date, reason, revision string) error {
	if err := d.running(); err != nil {
		return err
	}
	if err := d.present().namesNobody(reason); err != nil {
		return err
	}
	if today := d.now.In(d.institute.Location).Format(time.DateOnly); date < today {
		return fault.Field("effective_date", "effective-date.past", "must be today or later in the institute's time zone")
	}
	begins, err := time.ParseInLocation(time.DateOnly, date, d.institute.Location)
	if err != nil {
		return fault.Field("effective_date", "date.form", "must be a day of the calendar, YYYY-MM-DD")
	}
	d.stored.Termination = &storagev1.Termination{
		EffectiveDate: date, Reason: reason, EffectiveTime: timestamppb.New(begins), Mark: d.stored.GetTermination().GetMark(),
	}
	d.stamp(d.stored.GetCustomer(), revision)
	return nil
}

// CancelTermination takes back a termination whose day has not come.
func (c *Custodian) CancelTermination(ctx context.Context, name resource.Customer, req Request) (Customer, error) {
	revision := newRevision()
	d, _, err := c.change(ctx, name, req, needs{doing: keeping}, func(d *Dossier) ([]string, error) {
		return nil, d.cancelTermination(revision)
	})
	if err != nil {
		return Customer{}, err
	}
	return d.answer(), nil
}

func (d *Dossier) cancelTermination(revision string) error {
	if err := d.running(); err != nil {
		return err
	}
	if d.stored.GetTermination() == nil {
		return fault.New(fault.Precondition, ReasonContractRuns, "the contract is not terminated")
	}
	d.stored.Termination = nil
	d.stamp(d.stored.GetCustomer(), revision)
	return nil
}

// checkDay checks a day in a request.
func checkDay(path, date string) []fault.Violation {
	p := format.Date.Check(date)
	if p == nil && date != format.Date.Normalise(date) {
		p = &format.Problem{Rule: "date.form", Description: "must be written YYYY-MM-DD"}
	}
	if p == nil {
		return nil
	}
	return []fault.Violation{{Field: path, Rule: p.Rule, Description: p.Description}}
}

// checkReason checks a reason, which is kept longer than the customer's data.
func checkReason(reason string, required bool) []fault.Violation {
	reason = format.Tidy(reason)
	if reason == "" {
		if required {
			return []fault.Violation{{Field: "reason", Rule: "required", Description: "must not be empty"}}
		}
		return nil
	}
	if p := format.Reason.Check(reason); p != nil {
		return []fault.Violation{{Field: "reason", Rule: p.Rule, Description: p.Description}}
	}
	return nil
}

// namesNobody refuses a reason that names who the customer is or was. It is for
// privacy officers: a refusal tells what is restricted of former contracts.
func (d *Dossier) namesNobody(reason string) error {
	for _, t := range d.terms() {
		if err := t.namesNobody(reason); err != nil {
			return err
		}
	}
	return nil
}

// namesNobody refuses a reason with a word of the customer's own name, street or
// e-mail address. It looks at words of three letters and more.
func (t term) namesNobody(reason string) error {
	words := func(s string) []string {
		return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) })
	}
	said, values := words(reason), open(t.customer)
	for _, path := range []string{"given_name", "family_name", "address.street", "email"} {
		for _, word := range words(values[path]) {
			if utf8.RuneCountInString(word) >= 3 && slices.Contains(said, word) {
				return fault.Field("reason", "reason.personal", "is kept when the customer's data is gone and must not name the customer")
			}
		}
	}
	return nil
}
