package custody

import (
	"context"
	"errors"
	"path"
	"strings"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/format"
	"github.com/wertfach/wertfach/custody/resource"
)

// To erase a customer at once takes two privacy officers: one asks, another
// confirms. The request lies beside the dossier, so that it can be made for one
// that is damaged or lost too. It is about one enrolment, by the name of its key:
// a customer who comes back is out of its reach.

// ErasureRequest is a privacy officer's request that waits for another officer.
type ErasureRequest struct {
	Name      resource.Customer
	Ground    string // of Art. 17(1) GDPR, by its name in the API: "GROUND_UNLAWFUL"
	Reason    string
	By        string // who asked, as the log names people
	Requested time.Time
	Lapses    time.Time
	// Recipients are who is to be told of the erasure, of [Custodian.RequestErasure]
	// alone.
	Recipients []string
}

// ErasureDraft is a request to be made.
type ErasureDraft struct {
	Ground string
	Reason string // without naming anyone; it is kept in the receipt
	ETag   string // the state of the customer that the caller has seen, or empty
	By     string // who asks
}

// ErasureLapse is how long a request waits to be confirmed.
const ErasureLapse = 30 * 24 * time.Hour

// cancelledKept is how long a request that was taken back is remembered, so that to
// repeat that is safe.
const cancelledKept = time.Hour

// confirmedFor is how long a confirmation that broke off can be carried out. Then the
// officers decide anew.
const confirmedFor = 24 * time.Hour

// storedRequest is a request as it lies in the store.
type storedRequest struct {
	KeyName   string    `json:"key_name"`               // of the enrolment that it is about,
	Enrolled  time.Time `json:"enrolled_time,omitzero"` // and when that was; none where the dossier did not open
	Ground    string    `json:"ground"`
	Reason    string    `json:"reason"`
	By        string    `json:"requested_by"`
	Requested time.Time `json:"requested_time"`
	Request   string    `json:"request,omitempty"` // a keyed hash of the id of the call that made it,
	Content   string    `json:"content,omitempty"` // and one of what it asked

	ConfirmedBy  string    `json:"confirmed_by,omitempty"`
	Confirmation string    `json:"confirmation,omitempty"`
	Confirmed    time.Time `json:"confirmed_time,omitzero"`
	Call         string    `json:"call,omitempty"`     // a keyed hash of the call that confirmed it
	Nonce        string    `json:"nonce,omitempty"`    // random, of the confirmation
	Revision     string    `json:"revision,omitempty"` // the state of the customer that it was confirmed for; none where that can't be read
	Cancelled    time.Time `json:"cancelled_time,omitzero"`
	CancelledBy  string    `json:"cancelled_by,omitempty"` // a keyed hash of the call that took it back

	etag string
}

func (r *storedRequest) lapses() time.Time { return r.Requested.Add(ErasureLapse) }

// enrolment is what a request is about: a customer who comes back may do so under
// the same key.
type enrolment struct {
	key string
	at  time.Time // zero where the dossier does not open
}

func (d *Dossier) enrolment() enrolment {
	return enrolment{d.key.Name, d.stored.GetCustomer().GetCreateTime().AsTime()}
}

// open says whether it can be confirmed, or was, for that enrolment.
func (r *storedRequest) open(of enrolment, now time.Time) bool {
	same := r.KeyName == of.key
	switch {
	case of.at.IsZero():
	case r.Enrolled.IsZero():
		same = same && !r.Requested.Before(of.at)
	default:
		same = same && r.Enrolled.Equal(of.at)
	}
	return same && r.Cancelled.IsZero() && now.Before(r.lapses())
}

// its is the enrolment that it is about.
func (r *storedRequest) its() enrolment { return enrolment{r.KeyName, r.Enrolled} }

// confirmed says whether somebody has confirmed it, a while ago at most, for that
// state of the customer.
func (r *storedRequest) confirmed(revision string, now time.Time) bool {
	return r.ConfirmedBy != "" && r.Revision == revision && now.Before(r.Confirmed.Add(confirmedFor))
}

func (r *storedRequest) forReaders(name resource.Customer) ErasureRequest {
	return ErasureRequest{Name: name, Ground: r.Ground, Reason: r.Reason, By: r.By, Requested: r.Requested, Lapses: r.lapses()}
}

// basis is the ground as a receipt names it.
func (r *storedRequest) basis() string {
	point := map[string]string{
		"GROUND_PURPOSE_GONE": "a", "GROUND_CONSENT_WITHDRAWN": "b", "GROUND_OBJECTION": "c",
		"GROUND_UNLAWFUL": "d", "GROUND_LEGAL_OBLIGATION": "e", "GROUND_CHILD": "f",
	}[r.Ground]
	return "Art. 17(1)(" + point + ") GDPR"
}

// standsAgainst says what stands against erasing a customer because somebody asks
// for it: a restriction, a hold, or a rule with an exemption of Art. 17(3) GDPR
// that has not come to its day.
func (d *Dossier) standsAgainst() error {
	if d.restriction() != nil {
		return fault.New(fault.Precondition, ReasonRestricted, "the processing is restricted, and that stands against it (Art. 18 GDPR)")
	}
	if held, _ := d.held(); held {
		return fault.New(fault.Precondition, ReasonHeld, "a hold stands against it (Art. 17(3)(b), (e) GDPR)")
	}
	for _, h := range d.holdings() {
		if h.Rule.Exemption == "" || d.due(h) {
			continue
		}
		until := "for as long as the contract runs"
		if h.Due != "" {
			until = "until " + string(h.Due)
		}
		return fault.New(fault.Precondition, ReasonExempt, "the retention rule of %s stands against it %s (Art. %s GDPR)", className(h), until, string(h.Rule.Exemption))
	}
	return nil
}

// RequestErasure asks for a customer to be erased. Repeated by the same officer it
// gives the request that is there.
func (c *Custodian) RequestErasure(ctx context.Context, name resource.Customer, in ErasureDraft, req Request) (ErasureRequest, error) {
	if broken := checkReason(in.Reason, true); len(broken) > 0 {
		return ErasureRequest{}, fault.Fields(broken...)
	}
	p, err := c.find(name)
	if err != nil {
		return ErasureRequest{}, err
	}
	of, recipients, err := c.erasable(ctx, name, p, in, req)
	if err != nil {
		return ErasureRequest{}, err
	}
	r := &storedRequest{KeyName: of.key, Enrolled: of.at, Ground: in.Ground, Reason: format.Tidy(in.Reason), By: in.By, Requested: c.now().UTC().Truncate(time.Millisecond)}
	if req.ID != "" {
		r.Request, r.Content = c.callHash(req.ID, nil), c.callHash(req.ID, req.Content)
	}
	for range attempts {
		there, err := c.readRequest(ctx, p)
		condition := blobstore.IfAbsent()
		switch {
		case err == nil && r.Request != "" && there.Request == r.Request && there.Content != r.Content:
			return ErasureRequest{}, requestIDReused()
		case err == nil && r.Request != "" && there.Request == r.Request && !there.Cancelled.IsZero():
			return ErasureRequest{}, notRequested() // it was made, and taken back
		case err == nil && there.open(of, c.now()):
			if there.ConfirmedBy == "" && there.By == in.By && there.Ground == r.Ground && there.Reason == r.Reason {
				return there.telling(name, recipients), nil
			}
			return ErasureRequest{}, fault.New(fault.Precondition, ReasonErasureRequested, "the erasure is requested already; another privacy officer may confirm it")
		case err == nil, fault.KindOf(err) == fault.Corrupt:
			condition = blobstore.IfMatch(there.etag)
		case !errors.Is(err, blobstore.ErrNotFound):
			return ErasureRequest{}, backend(err)
		}
		err = c.writeRequest(ctx, p, r, condition)
		if err == nil {
			return r.telling(name, recipients), nil
		}
		if !errors.Is(err, blobstore.ErrConflict) {
			return ErasureRequest{}, backend(err)
		}
	}
	return ErasureRequest{}, contention()
}

// telling is the request for who makes it, and so must know whom to tell.
func (r *storedRequest) telling(name resource.Customer, recipients []string) ErasureRequest {
	out := r.forReaders(name)
	out.Recipients = recipients
	return out
}

// erasable looks whether a customer may be erased on request, and gives the
// enrolment that would be, and who is to be told of it.
func (c *Custodian) erasable(ctx context.Context, name resource.Customer, p place, in ErasureDraft, req Request) (enrolment, []string, error) {
	d, err := c.viewAt(ctx, name, p, needs{anyState: true})
	switch {
	case err == nil && d.stored.GetErasing():
		if _, err := c.readIntent(ctx, p); err == nil {
			return enrolment{}, nil, beingErased()
		}
		return d.enrolment(), d.others(), nil // it broke off, and nothing tells how it began
	case err == nil:
		if err := c.unused(d, req); err != nil {
			return enrolment{}, nil, err
		}
		for _, err := range []error{d.namesNobody(in.Reason), fresh(in.ETag, d.stored.GetCustomer()), d.standsAgainst()} {
			if err != nil {
				return enrolment{}, nil, err
			}
		}
		return d.enrolment(), d.others(), nil
	case fault.KindOf(err) != fault.Corrupt && fault.KindOf(err) != fault.NotFound:
		return enrolment{}, nil, err
	}
	// What is damaged or lost tells nothing that could stand against it.
	keyName, alive, keyErr := c.keyOf(ctx, p)
	if keyErr != nil {
		return enrolment{}, nil, backend(keyErr)
	}
	if !alive {
		return enrolment{}, nil, err
	}
	return enrolment{key: keyName}, nil, nil
}

// CancelErasure takes back a request that nobody has confirmed.
func (c *Custodian) CancelErasure(ctx context.Context, name resource.Customer, req Request) error {
	p, err := c.find(name)
	if err != nil {
		return err
	}
	d, viewErr := c.viewAt(ctx, name, p, needs{anyState: true})
	if viewErr != nil && fault.KindOf(viewErr) != fault.Corrupt && fault.KindOf(viewErr) != fault.NotFound {
		return viewErr
	}
	if viewErr == nil {
		if err := c.unused(d, req); err != nil {
			return err
		}
	}
	call := ""
	if req.ID != "" {
		call = c.callHash(req.ID, req.Content)
	}
	r, err := c.readRequest(ctx, p)
	switch {
	case err == nil && call != "" && r.CancelledBy == call:
		return nil // it was this call
	case fault.KindOf(viewErr) == fault.NotFound && (errors.Is(err, blobstore.ErrNotFound) || err == nil && !r.open(r.its(), c.now())):
		return viewErr
	case errors.Is(err, blobstore.ErrNotFound), err == nil && !r.open(r.its(), c.now()):
		return notRequested()
	case err != nil:
		return backend(err)
	case r.ConfirmedBy != "" && c.now().Before(r.Confirmed.Add(confirmedFor)):
		return beingErased()
	}
	r.Cancelled, r.CancelledBy = c.now().UTC(), call
	return backend(c.writeRequest(ctx, p, r, blobstore.IfMatch(r.etag))) // somebody confirmed it a moment ago, perhaps
}

// callHash is a keyed hash of a call's id and content.
func (c *Custodian) callHash(id string, content []byte) string {
	return encode(c.secret.mac("erasure request", []byte(id), content))
}

// unused refuses a request's id that stood for another change of the customer.
func (c *Custodian) unused(d *Dossier, req Request) error {
	if req.ID == "" {
		return nil
	}
	_, _, err := d.replay(req.ID, c.secret.mac("request", req.Content))
	return err
}

// forgetRequest removes the request for an enrolment that is erased.
func (c *Custodian) forgetRequest(ctx context.Context, p place, keyName string) error {
	r, err := c.readRequest(ctx, p)
	if errors.Is(err, blobstore.ErrNotFound) || err == nil && r.KeyName != keyName {
		return nil
	}
	if err != nil && fault.KindOf(err) != fault.Corrupt {
		return err
	}
	return c.store.Delete(ctx, p.request())
}

// pendingRequest is the request that waits for the enrolment under that key, or nil.
func (c *Custodian) pendingRequest(ctx context.Context, d *Dossier) (*ErasureRequest, error) {
	r, err := c.readRequest(ctx, d.place)
	if errors.Is(err, blobstore.ErrNotFound) || err == nil && (!r.open(d.enrolment(), c.now()) || r.ConfirmedBy != "") {
		return nil, nil
	}
	if err != nil {
		return nil, backend(err)
	}
	out := r.forReaders(d.name)
	return &out, nil
}

func (c *Custodian) writeRequest(ctx context.Context, p place, r *storedRequest, condition blobstore.Condition) error {
	return c.writeSigned(ctx, "erasure request", p.request(), r, condition)
}

// readRequest reads a request. One that does not authenticate comes with its etag,
// so that it can be replaced.
func (c *Custodian) readRequest(ctx context.Context, p place) (*storedRequest, error) {
	r := &storedRequest{}
	etag, err := c.readSigned(ctx, "erasure request", p.request(), r)
	if err == nil && !strings.HasPrefix(r.KeyName, p.keyPrefix()) {
		err = fault.New(fault.Corrupt, ReasonCorrupt, "a stored erasure request is about somebody else")
	}
	r.etag = etag
	return r, err
}

func notRequested() error {
	return fault.New(fault.Precondition, ReasonErasureNotRequested, "no privacy officer has requested the erasure, or the request has lapsed")
}

// requests carries out what was confirmed and broke off before it began, and
// removes the requests that lapsed or whose customer is gone.
func (s *sweep) requests(ctx context.Context, institute string) error {
	for info, err := range s.c.store.List(ctx, erasureRequests(institute)) {
		if err != nil {
			return err
		}
		p := place{institute: institute, pseudonym: path.Base(info.Name)}
		err := s.request(ctx, p)
		s.count(ctx, p, nil, "carrying out a request for erasure", err)
		if errors.Is(err, errUnrecorded) {
			return err
		}
	}
	return nil
}

func (s *sweep) request(ctx context.Context, p place) error {
	r, err := s.c.readRequest(ctx, p)
	switch {
	case errors.Is(err, blobstore.ErrNotFound):
		return nil
	case err != nil:
		return err
	case !r.Cancelled.IsZero() && s.c.now().Before(r.Cancelled.Add(cancelledKept)):
		return nil // who took it back may ask again
	case !r.open(r.its(), s.c.now()):
		return s.forget(ctx, p)
	}
	keyName, alive, err := s.c.keyOf(ctx, p)
	switch {
	case err != nil:
		return err
	case !alive || keyName != r.KeyName: // it is about nobody who is there
		return s.forget(ctx, p)
	case r.ConfirmedBy == "", s.c.now().Before(r.Confirmed.Add(s.c.lease)):
		return nil // it waits, or who confirmed it is at it
	}
	in := &intent{}
	d, err := s.c.viewAt(ctx, p.somebody(), p, needs{anyState: true})
	switch {
	case err == nil && d.key.Name == keyName:
		if d.standsAgainst() != nil || !r.confirmed(d.stored.GetCustomer().GetRevision(), s.c.now()) {
			return s.unconfirm(ctx, p, r)
		}
		in.Revision = r.Revision
	case err == nil, fault.KindOf(err) != fault.NotFound && fault.KindOf(err) != fault.Corrupt:
		return err // enrolled anew a moment ago, or not to be read now
	case !r.confirmed("", s.c.now()):
		return s.unconfirm(ctx, p, r)
	}
	if s.options.DryRun {
		s.report.Resumed++
		return nil
	}
	in.order(r)
	err = s.recorded(ctx, p, p.receiptID(keyName), func() (Receipt, error) { return s.c.eraseNow(ctx, p, keyName, in) })
	if err == nil {
		s.report.Resumed++
	}
	return err
}

// unconfirm takes a confirmation back, unless it is a dry run.
func (s *sweep) unconfirm(ctx context.Context, p place, r *storedRequest) error {
	if s.options.DryRun {
		return nil
	}
	return s.c.unconfirm(ctx, p, r.Nonce)
}

// forget removes a request, unless it is a dry run.
func (s *sweep) forget(ctx context.Context, p place) error {
	if s.options.DryRun {
		return nil
	}
	return s.c.store.Delete(ctx, p.request())
}
