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
	over := map[*storagev1.Record]bool{} // who the customer was in former contracts, of which nothing stays
	for _, t := range d.terms() {
		for _, h := range d.holdingsOf(t) {
			if !d.due(h) || h.Class == retention.Customer && !t.former {
				continue
			}
			gone = append(gone, className(h))
			switch h.Class {
			case retention.Secrets:
				t.shedSecrets()
			case retention.Customer:
				over[t.customer] = true
			}
		}
		*t.artefacts = slices.DeleteFunc(*t.artefacts, func(a *storagev1.Artefact) bool {
			due := d.due(d.holdingOf(t, a))
			if due {
				d.removed = append(d.removed, d.satellitesOf(a)...)
			}
			return due
		})
		*t.disclosures = slices.DeleteFunc(*t.disclosures, func(s *storagev1.Disclosure) bool {
			return s.GetRecipient() != "" && d.due(d.holdingOfDisclosure(t, s))
		})
	}
	d.stored.FormerContracts = slices.DeleteFunc(d.stored.GetFormerContracts(), func(f *storagev1.FormerContract) bool { return over[f.GetCustomer()] })
	if len(gone) > 0 {
		d.stored.ShedDate, d.stored.Rotation, d.stored.OldestVersion = string(d.today()), "", 0 // the key gets another version
	}
	slices.Sort(gone)
	return slices.Compact(gone)
}

// due says whether the day of data has come.
func (d *Dossier) due(h Holding) bool { return h.Due != "" && h.Due <= d.today() }

// className is the class of a holding with the kind of artefact that it is of.
func className(h Holding) string {
	if h.Kind == "" {
		return string(h.Class)
	}
	return string(h.Class) + "." + h.Kind
}

// shedSecrets removes all secrets of a contract, and what was shown in their place.
func (t term) shedSecrets() {
	strip := func(t *field.Table, r *storagev1.Record) {
		r.Compartments = nil
		r.Values = slices.DeleteFunc(r.Values, func(v *storagev1.Value) bool {
			s := t.Spec(v.GetPath())
			return s != nil && s.Secret
		})
	}
	strip(field.Customer, t.customer)
	for _, a := range *t.artefacts {
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
// everything is wrapped under that destroys the older ones. Where an operator gave
// versions up, they are just destroyed.
func (s *sweep) endVersions(ctx context.Context, p place, d *Dossier) error {
	r := &rotation{
		c: s.c, sweeps: true, options: RotateOptions{Recorder: s.options.Recorder, Principal: s.options.Principal},
		job: rotationJob{ID: "shed-" + d.stored.GetShedDate(), Begun: s.c.now()},
	}
	if oldest := d.stored.GetOldestVersion(); oldest > 0 {
		if err := r.recorded(ctx, d, retireAction, s.c.keys.Retire(ctx, d.key.Name, int(oldest))); err != nil {
			return err
		}
		return s.ended(ctx, p, func(d *Dossier) bool { return d.stored.GetOldestVersion() == oldest })
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
	return s.ended(ctx, p, func(d *Dossier) bool { return d.stored.GetRotation() == r.job.ID && d.stored.GetOldestVersion() == 0 })
}

// ended notes that versions are destroyed, unless others are to be meanwhile.
func (s *sweep) ended(ctx context.Context, p place, still func(*Dossier) bool) error {
	_, _, err := s.c.changeOn(ctx, p.newTrail(), p.somebody(), Request{}, needs{doing: keeping}, func(d *Dossier) ([]string, error) {
		if !still(d) {
			return nil, errUnchanged
		}
		d.stored.ShedDate, d.stored.OldestVersion = "", 0
		return nil, nil
	})
	return err
}
