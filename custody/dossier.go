package custody

import (
	"crypto/subtle"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/seal"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
)

// Dossier is a customer's records, opened. Its methods are the rules: they look
// at it and change it, and do no I/O.
type Dossier struct {
	stored    *storagev1.Dossier
	name      resource.Customer
	institute Institute
	place     place
	index     index
	limits    Limits
	now       time.Time

	key    seal.Key // seals the dossier; kept across writes
	secret seal.Key // seals secrets written now; empty where none are

	size int // of what is stored, before sealing

	made, removed []string // the satellites that the change needs or leaves behind

	owed bool // a law demands what the change adds, so that no limit of size stands against it
}

// whole says whether nothing is missing that the rules rely on.
func (d *Dossier) whole() bool {
	for _, t := range d.terms() {
		if t.customer == nil || t.former && t.termination == nil {
			return false
		}
		for _, a := range *t.artefacts {
			if a.GetRecord() == nil {
				return false
			}
		}
	}
	return true
}

// A Request is what makes a repeated change safe.
type Request struct {
	// ID is the caller's id of the request; a new one is made where it is empty.
	ID string
	// Content is what was asked, in any stable encoding, without secrets: a
	// hash of it stays in the dossier, and a PIN is soon guessed from its hash.
	Content []byte
}

// requestsKept is how many requests a dossier remembers. A portal that repeats
// a request does so within seconds, long before so many others have changed
// the same customer.
const requestsKept = 64

// replay looks for a request in the dossier. It gives what the request made if
// it was done before, and refuses an id that stood for other content.
func (d *Dossier) replay(id string, fingerprint []byte) (results []string, done bool, err error) {
	for _, r := range d.stored.GetRequests() {
		if r.GetId() != id {
			continue
		}
		if subtle.ConstantTimeCompare(r.GetFingerprint(), fingerprint) != 1 {
			return nil, false, requestIDReused()
		}
		return r.GetResults(), true, nil
	}
	return nil, false, nil
}

func (d *Dossier) remember(id string, fingerprint []byte, results []string) {
	kept := append(d.stored.GetRequests(), &storagev1.Request{Id: id, Fingerprint: fingerprint, Results: results})
	d.stored.Requests = kept[max(0, len(kept)-requestsKept):]
}

// State says where the contract stands.
func (d *Dossier) State() State {
	t := d.stored.GetTermination()
	switch {
	case t == nil:
		return Active
	case d.now.Before(t.GetEffectiveTime().AsTime()):
		return Terminating
	default:
		return Ended
	}
}

// running refuses what needs a contract that has not ended.
func (d *Dossier) running() error {
	if d.State() == Ended {
		return fault.New(fault.Precondition, ReasonContractEnded, "the contract has ended")
	}
	return nil
}

// artefact finds a stored artefact by id.
func (d *Dossier) artefact(id string) (*storagev1.Artefact, error) {
	for _, a := range d.stored.GetArtefacts() {
		if a.GetId() == id {
			return a, nil
		}
	}
	return nil, artefactNotFound()
}

// stamp marks a resource as changed now.
func (d *Dossier) stamp(r *storagev1.Record, revision string) {
	now := timestamppb.New(d.now.UTC().Truncate(time.Millisecond))
	if r.CreateTime == nil {
		r.CreateTime = now
	}
	r.UpdateTime = now
	r.Revision = revision
}

// fresh refuses a caller who has seen another state of the resource than the
// one that is stored. An empty etag does not ask.
func fresh(etag string, r *storagev1.Record) error {
	if etag != "" && etag != r.GetRevision() {
		return staleETag()
	}
	return nil
}

// pointersOf are the objects that lead to an artefact by its identifiers. Where
// the version of the index that they were written under is dropped, there are
// none any more.
func (d *Dossier) pointersOf(a *storagev1.Artefact) []string {
	key, known := d.index.key(a.GetIndexVersion())
	if !known {
		return nil
	}
	under := indexVersion{a.GetIndexVersion(), key}
	var names []string
	values := open(a.GetRecord())
	for _, s := range field.Artefact.Specs() {
		if text := values[s.Path]; s.Lookup != "" && text != "" {
			names = append(names, under.pointer(s.Lookup, s.Normalise(values), d.place, a.GetId(), a.GetPointers()))
		}
	}
	return names
}

// identified says whether an artefact has an identifier to be found by.
func identified(a *storagev1.Artefact) bool {
	values := open(a.GetRecord())
	return slices.ContainsFunc(field.Artefact.Specs(), func(s *field.Spec) bool { return s.Lookup != "" && values[s.Path] != "" })
}

// satellites are all objects beside the dossier that it refers to.
func (d *Dossier) satellites() []string {
	var names []string
	for _, a := range d.allArtefacts() {
		names = append(names, d.satellitesOf(a)...)
	}
	return append(names, d.marks()...)
}

// satellitesOf are the pointers and scans of one artefact.
func (d *Dossier) satellitesOf(a *storagev1.Artefact) []string {
	names := d.pointersOf(a)
	for _, s := range a.GetScans() {
		names = append(names, d.place.scan(s.GetId()))
	}
	return names
}
