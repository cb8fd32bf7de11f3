package custody

import (
	"context"
	"slices"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
)

// Reveal gives an artefact with the chosen fields in clear, all that are masked
// where no path is chosen. It is refused once the contract has ended: the
// purpose of the secrets is gone then (Art. 17(1)(a) GDPR).
func (c *Custodian) Reveal(ctx context.Context, name resource.Artefact, paths []string) (Artefact, error) {
	d, err := c.view(ctx, name.Customer)
	if err != nil {
		return Artefact{}, err
	}
	if err := d.stands(writing); err != nil {
		return Artefact{}, err // not even for what restricted data is read for
	}
	a, err := d.artefact(name.ID)
	if err != nil {
		return Artefact{}, err
	}
	audit.Of(ctx).Artefact(a.GetId())
	if len(paths) == 0 {
		paths = []string{a.GetKind()}
	}
	paths, err = field.Artefact.Expand("fields", a.GetKind(), paths)
	if err != nil {
		return Artefact{}, err
	}
	clearText, err := c.reveal(ctx, d, artefactResource(a.GetId()), a.GetRecord(), revealable(field.Artefact, paths, d.institute.rules(d.now)))
	if err != nil {
		return Artefact{}, err
	}
	out, stored := d.asRead(a), open(a.GetRecord())
	var revealed []string // what is shown now and was hidden before
	for _, path := range paths {
		s, text := field.Artefact.Spec(path), clearText[path]
		if !s.Secret {
			text = stored[path]
		}
		if s.Masked() && text != "" {
			out.Values[path] = text
			revealed = append(revealed, path)
		}
	}
	slices.Sort(revealed)
	audit.Of(ctx).Revealed(revealed)
	return out, nil
}

// revealable leaves out what is kept only as a hash, and what the institute may
// not keep any more.
func revealable(t *field.Table, paths []string, rules field.Rules) []string {
	var out []string
	for _, path := range paths {
		s := t.Spec(path)
		if s.Secret && !s.Hashed && (!s.IssuerOnly || rules.CardVerificationCode) {
			out = append(out, path)
		}
	}
	return out
}
