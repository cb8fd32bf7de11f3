package custody

import (
	"context"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody/fault"
)

// Doing is what somebody does with a dossier. What passes depends on where the
// contract stands and on whether the processing is restricted:
//
//	              reading    writing  removing  keeping
//	active        yes        yes      no hold   yes
//	terminating   yes        yes      no hold   yes
//	ended         restricted no       no        yes
//	restricted    restricted no       no        yes
//	former        restricted no       no        disclosures
//
// "restricted" are privacy officers alone, for a purpose of Art. 18(2) GDPR.
type doing int

const (
	reading  doing = iota // gives out what is kept
	writing               // adds to it or changes it
	removing              // takes something of it away
	keeping               // governs the dossier itself: its contract, holds, keys
)

type restrictedPurpose struct{}

// ForRestricted lets what is done under the context read data whose processing
// is restricted, for the purpose of Art. 18(2) GDPR that is named; an empty one
// lets nothing be read. It is for privacy officers only, which the caller makes
// sure of.
func ForRestricted(ctx context.Context, purpose string) context.Context {
	return context.WithValue(ctx, restrictedPurpose{}, purpose)
}

// restrictedFor is the purpose for which what is restricted may be read; empty where
// it may not.
func restrictedFor(ctx context.Context) string {
	purpose, _ := ctx.Value(restrictedPurpose{}).(string)
	return purpose
}

// allows says whether something passes. Who reads what is restricted has the purpose
// on record.
func (d *Dossier) allows(ctx context.Context, a doing) error {
	if a == keeping {
		return nil
	}
	refused := d.stands(a)
	if purpose := restrictedFor(ctx); refused != nil && a == reading && purpose != "" {
		audit.Of(ctx).Purpose(purpose)
		return nil
	}
	return refused
}

// stands gives the reason for which something does not pass for everybody.
func (d *Dossier) stands(a doing) error {
	if err := d.running(); err != nil {
		return err
	}
	if err := d.unrestricted(); err != nil {
		return err
	}
	if a == removing {
		if held, _ := d.held(); held {
			return fault.New(fault.Precondition, ReasonHeld, "a hold keeps the customer's data from being removed (Art. 17(3) GDPR)")
		}
	}
	return nil
}

// unrestricted refuses what does not pass while the processing is restricted.
func (d *Dossier) unrestricted() error {
	if d.restriction() == nil {
		return nil
	}
	return fault.New(fault.Precondition, ReasonRestricted,
		"the processing of the customer's data is restricted; only privacy officers read it, with a restricted_purpose")
}
