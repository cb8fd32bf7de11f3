package custody

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/retention"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
)

// rectified is data that a change has put right.
type rectified struct {
	artefact *storagev1.Artefact // nil where it is the customer
	secret   bool                // a secret is among it
	other    bool                // something else is
}

// corrected says what of a record a change puts right, given the values before. A secret
// that is written counts: whether it is the same nobody can tell without opening it.
func corrected(t *field.Table, a *storagev1.Artefact, before, after field.Values, paths []string) rectified {
	r := rectified{artefact: a}
	for _, path := range paths {
		switch {
		case t.Spec(path).Secret:
			r.secret = r.secret || after[path] != "" || before[path] != ""
		case before[path] != after[path]:
			r.other = true
		}
	}
	return r
}

// rectify opens notices for the recipients of what was put right (Art. 19 GDPR).
// What they got under a former contract stays as it was.
// id begins the ids of the notices.
func (d *Dossier) rectify(id string, r rectified) {
	if !r.secret && !r.other {
		return
	}
	present := d.present()
	for i, s := range slices.Clone(*present.disclosures) {
		if s.GetRecipient() == "" || s.GetPurpose() == purposeNotice || !d.passedOn(s, r) {
			continue
		}
		notice := present.owedTo(s.GetRecipient())
		if notice == nil {
			notice = &storagev1.Disclosure{
				Id: fmt.Sprintf("%s-%d", id, i), CreateTime: timestamppb.New(d.now.UTC()), Recipient: s.GetRecipient(), Purpose: purposeNotice,
			}
			d.stored.Disclosures = append(d.stored.Disclosures, notice)
		}
		if r.artefact != nil {
			notice.Artefacts = with(notice.GetArtefacts(), r.artefact.GetId())
		}
		notice.Classes = with(notice.GetClasses(), className(d.classOf(r)))
	}
}

// classOf is the class of what was put right. Of a secret too it is that of the
// artefact: which one it was, the artefact tells.
func (d *Dossier) classOf(r rectified) Holding {
	if r.artefact == nil {
		return Holding{Class: retention.Customer}
	}
	h := d.holdingOf(d.present(), r.artefact)
	if h.Class == retention.IdentityCopies {
		h.Kind = "" // it is passed on under this name
	}
	return h
}

// passedOn says whether a disclosure was of what was put right. One that names
// artefacts beside classes of artefacts was of those artefacts alone.
func (d *Dossier) passedOn(s *storagev1.Disclosure, r rectified) bool {
	has := func(class string) bool { return slices.Contains(s.GetClasses(), class) }
	if r.secret && has(string(retention.Secrets)) && (r.artefact == nil || len(s.GetArtefacts()) == 0) {
		return true
	}
	if r.artefact == nil {
		return r.other && has(string(retention.Customer))
	}
	if len(s.GetArtefacts()) > 0 {
		return slices.Contains(s.GetArtefacts(), r.artefact.GetId())
	}
	class := className(d.classOf(r))
	general, _, _ := strings.Cut(class, ".")
	return r.other && (has(class) || has(general))
}

func with(list []string, one string) []string {
	if slices.Contains(list, one) {
		return list
	}
	return append(list, one)
}
