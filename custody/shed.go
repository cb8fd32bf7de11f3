package custody

import (
	"context"
	"errors"
	"slices"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/retention"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
)

// Where only part of a dossier is due, that part is shed: removed in one change,
// as anybody would remove it. The customer's key lives on for the rest, and would
// open what was shed in an older copy of the store. So the key gets a new
// version, what is left is wrapped anew under it, and then the older versions are
// destroyed. A later sweep does the last step: calls that began before may still
// hold what is under an older version.

// shed removes what is due by its rule, where other data stays. It gives the
// classes of what went, each once.
func (d *Dossier) shed() []string {
	if stopped, _ := d.stopped(); stopped || d.over() {
		return nil
	}
	var gone []string
	due := map[Holding]bool{}
	for _, h := range d.holdings() {
		if h.Due == "" || h.Due > d.today() || h.Class == retention.Customer {
			continue
		}
		due[Holding{Class: h.Class, Kind: h.Kind, Due: h.Due}] = true
		gone = append(gone, className(h))
		if h.Class == retention.Secrets {
			d.shedSecrets()
		}
	}
	d.stored.Artefacts = slices.DeleteFunc(d.stored.GetArtefacts(), func(a *storagev1.Artefact) bool {
		h := d.holdingOf(a)
		if !due[Holding{Class: h.Class, Kind: h.Kind, Due: h.Due}] {
			return false
		}
		d.removed = append(d.removed, d.satellitesOf(a)...)
		return true
	})
	d.stored.Disclosures = slices.DeleteFunc(d.stored.GetDisclosures(), func(s *storagev1.Disclosure) bool {
		if s.GetRecipient() == "" {
			return false
		}
		h := d.holdingOfDisclosure(s)
		return due[Holding{Class: h.Class, Due: h.Due}]
	})
	if len(gone) > 0 {
		d.stored.ShedDate, d.stored.Rotation = string(d.today()), "" // the key gets another version
	}
	slices.Sort(gone)
	return slices.Compact(gone)
}

// className is the class of a holding with the kind of artefact that it is of.
func className(h Holding) string {
	if h.Kind == "" {
		return string(h.Class)
	}
	return string(h.Class) + "." + h.Kind
}

// shedSecrets removes all secrets, and what was shown in their place.
func (d *Dossier) shedSecrets() {
	strip := func(t *field.Table, r *storagev1.Record) {
		r.Compartments = nil
		r.Values = slices.DeleteFunc(r.Values, func(v *storagev1.Value) bool {
			s := t.Spec(v.GetPath())
			return s != nil && s.Secret
		})
	}
	strip(field.Customer, d.stored.GetCustomer())
	for _, a := range d.stored.GetArtefacts() {
		strip(field.Artefact, a.GetRecord())
	}
}

// shedAlone sheds a dossier, as it was just opened, while no other sweep does. Where
// nothing of it is due any more, somebody shed it and goes on with its key, unless
// that was so long ago that he must have broken off, or is a later sweep's to do.
func (s *sweep) shedAlone(ctx context.Context, p place, d *Dossier, mark blobstore.Info) error {
	if len(d.shed()) == 0 && d.marked() {
		info, err := s.c.store.Stat(ctx, p.dossier())
		if errors.Is(err, blobstore.ErrNotFound) || err == nil && !s.resting(info) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return s.alone(ctx, mark, func() error { return s.shed(ctx, p) })
}

// shed removes what is due of a dossier, and destroys what still opens what was
// removed before.
func (s *sweep) shed(ctx context.Context, p place) error {
	if err := s.options.Recorder.Ready(ctx, audit.Locked); err != nil {
		return unrecorded(err)
	}
	var gone []string
	d, _, err := s.c.changeOn(ctx, p.newTrail(), p.somebody(), Request{}, needs{doing: keeping}, func(d *Dossier) ([]string, error) {
		if gone = d.shed(); len(gone) == 0 && d.marked() {
			return nil, errUnchanged
		}
		return nil, nil // also where only the day has moved
	})
	if err != nil {
		return err
	}
	if len(gone) > 0 {
		s.report.Shed++
		err := s.record(ctx, audit.Event{Action: shedAction, Institute: p.institute, Subject: d.stored.GetSubjectId(), Classes: gone}, nil)
		if err != nil {
			return err
		}
	}
	if d.stored.GetShedDate() == "" {
		return nil
	}
	return s.endVersions(ctx, p, d)
}

// shedAction is what the log calls it when a sweep removes what is due of a
// dossier.
const shedAction = "sweep/Shed"

// endVersions gives the key of a dossier that was shed a new version, and once
// everything is wrapped under that destroys the older ones.
func (s *sweep) endVersions(ctx context.Context, p place, d *Dossier) error {
	r := &rotation{
		c: s.c, options: RotateOptions{Recorder: s.options.Recorder, Principal: s.options.Principal},
		job: rotationJob{ID: "shed-" + d.stored.GetShedDate(), Begun: s.c.now()},
	}
	info, err := s.c.store.Stat(ctx, p.dossier())
	if err != nil {
		return err
	}
	r.retire = d.stored.GetRotation() == r.job.ID && (s.options.Grace < 0 || s.c.now().Sub(info.Modified) >= defaultGrace)
	out, err := r.one(ctx, p)
	if err != nil || !r.retire || out.deferred > 0 {
		return err // the rest is for a later sweep
	}
	_, _, err = s.c.changeOn(ctx, p.newTrail(), p.somebody(), Request{}, needs{doing: keeping}, func(d *Dossier) ([]string, error) {
		if d.stored.GetRotation() != r.job.ID {
			return nil, errUnchanged // shed again meanwhile
		}
		d.stored.ShedDate = ""
		return nil, nil
	})
	return err
}
