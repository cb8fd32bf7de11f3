package custody

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/format"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/seal"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
	"github.com/wertfach/wertfach/vault"
)

// Scan is a file that belongs to an artefact.
type Scan struct {
	Name      resource.Scan
	FileName  string
	MediaType string
	Size      int64  // in bytes
	SHA256    string // in hexadecimal
	Created   time.Time
}

// ScanDraft announces a file that is going to come.
type ScanDraft struct {
	// Field is where it stands in the request: "header.scan".
	Field     string
	FileName  string
	MediaType string
	Size      int64
	SHA256    string // may be empty
}

// uploadTime is how long an upload may take at most. It is well below
// [PendingGrace], so that no sweep takes an upload for one that broke off.
const uploadTime = 30 * time.Minute

func asScan(artefact resource.Artefact, s *storagev1.Scan) Scan {
	return Scan{
		Name: resource.Scan{Artefact: artefact, ID: s.GetId()}, FileName: s.GetFileName(), MediaType: s.GetMediaType(),
		Size: s.GetSizeBytes(), SHA256: hex.EncodeToString(s.GetSha256()), Created: s.GetCreateTime().AsTime(),
	}
}

// AddScan stores what content holds as a scan of the artefact. It keeps no more
// of it in memory than a few segments. Whatever does not fit its announcement is
// refused, and nothing of it stays.
func (c *Custodian) AddScan(ctx context.Context, name resource.Artefact, in ScanDraft, content io.Reader, req Request) (Scan, error) {
	if err := in.check(c.limits); err != nil {
		return Scan{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, uploadTime)
	defer cancel()
	p, err := c.find(name.Customer)
	if err != nil {
		return Scan{}, err
	}
	d, err := c.viewAt(ctx, name.Customer, p, needs{doing: keeping})
	if err != nil {
		return Scan{}, err
	}
	if req.ID == "" {
		req.ID = newID()
	}
	results, done, err := d.replay(req.ID, c.secret.mac("request", req.Content))
	if err != nil {
		return Scan{}, err
	}
	if err = d.stands(writing); err == nil && !done {
		err = d.takesScan(name.ID)
	}
	if err != nil {
		return Scan{}, err
	}
	checked, err := in.checked(content)
	if err != nil {
		return Scan{}, err
	}
	if done {
		if _, err := io.Copy(io.Discard, checked); err != nil {
			return Scan{}, err
		}
		return d.repeatedScan(name, results[0], checked)
	}
	return c.addScan(ctx, d, name, in, checked, req)
}

// addScan uploads the content and then links it. The note that it begins with
// lets a sweep remove the content if the link never comes.
func (c *Custodian) addScan(ctx context.Context, d *Dossier, name resource.Artefact, in ScanDraft, content *checkedContent, req Request) (Scan, error) {
	id, revision := newID(), newRevision()
	object, t := d.place.scan(id), d.place.newTrail()
	if err := c.takeNote(ctx, t, object); err != nil {
		return Scan{}, backend(err)
	}
	// The data key comes after the note: who retires a version of the customer's
	// key waits for the notes of uploads that may still use it.
	sealed, size, err := c.sealScan(ctx, d, id, content, in.Size)
	if err != nil {
		c.tidy(ctx, t.note, nil)
		return Scan{}, backend(err)
	}
	t.made = []string{object}
	if _, err := c.store.PutStream(ctx, object, sealed, size, blobstore.IfAbsent()); err != nil {
		if !content.ended { // else it may yet appear, and the sweep needs the note
			c.tidy(ctx, t.note, t.made)
		}
		return Scan{}, backend(err)
	}
	stored := &storagev1.Scan{
		Id: id, FileName: format.Tidy(in.FileName), MediaType: in.MediaType, SizeBytes: in.Size, Sha256: content.sum(),
		CreateTime: timestamppb.New(c.now().UTC().Truncate(time.Millisecond)),
	}
	d, linked, err := c.changeOn(ctx, t, name.Customer, req, needs{}, func(d *Dossier) ([]string, error) {
		return []string{id}, d.linkScan(name.ID, revision, stored)
	})
	if err != nil {
		return Scan{}, err
	}
	audit.Of(ctx).Scan(name.ID, linked[0])
	// The same request may have been done meanwhile through another server.
	return d.repeatedScan(name, linked[0], content)
}

func (c *Custodian) sealScan(ctx context.Context, d *Dossier, id string, content io.Reader, size int64) (io.Reader, int64, error) {
	dk, err := c.keys.DataKey(ctx, d.key.Name, vault.Scan)
	if err != nil {
		return nil, 0, err
	}
	key := seal.Key{Name: d.key.Name, Wrapped: dk.Wrapped, Plaintext: dk.Plaintext}
	return seal.SealStream(key, d.place.scanBinding(id), content, size)
}

// repeatedScan finds the scan that a request made, if the content is the same:
// what was announced need not tell one content from another.
func (d *Dossier) repeatedScan(artefact resource.Artefact, id string, content *checkedContent) (Scan, error) {
	scan, err := d.scan(artefact, id)
	if err == nil && scan.SHA256 != hex.EncodeToString(content.sum()) {
		err = requestIDReused()
	}
	return scan, err
}

func (p place) scanBinding(id string) seal.Binding {
	return seal.Binding{Institute: p.institute, Pseudonym: p.pseudonym, Object: p.scan(id), Compartment: string(vault.Scan)}
}

// takesScan says whether the artefact can have one more scan.
func (d *Dossier) takesScan(artefact string) error {
	a, err := d.artefact(artefact)
	if err != nil {
		return err
	}
	if len(a.GetScans()) >= d.limits.Scans {
		return fault.New(fault.Exhausted, ReasonTooMany, "an artefact has at most %d scans", d.limits.Scans)
	}
	return nil
}

func (d *Dossier) linkScan(artefact, revision string, s *storagev1.Scan) error {
	if err := d.takesScan(artefact); err != nil {
		return err
	}
	a, err := d.artefact(artefact)
	if err != nil {
		return err
	}
	a.Scans = append(a.Scans, s)
	d.stamp(a.GetRecord(), revision)
	return nil
}

// scan finds a scan of an artefact.
func (d *Dossier) scan(artefact resource.Artefact, id string) (Scan, error) {
	a, err := d.artefact(artefact.ID)
	if err != nil {
		return Scan{}, err
	}
	for _, s := range a.GetScans() {
		if s.GetId() == id {
			return asScan(artefact, s), nil
		}
	}
	return Scan{}, scanNotFound()
}

// OpenScan gives a scan and its content. Only io.EOF says that the content was
// whole; any other error means that what was read must be thrown away. The
// caller closes it.
func (c *Custodian) OpenScan(ctx context.Context, name resource.Scan) (Scan, io.ReadCloser, error) {
	d, err := c.view(ctx, name.Artefact.Customer)
	if err != nil {
		return Scan{}, nil, err
	}
	scan, err := d.scan(name.Artefact, name.ID)
	if err != nil {
		return Scan{}, nil, err
	}
	audit.Of(ctx).Scan(name.Artefact.ID, name.ID)
	content, err := c.openContent(ctx, d, name)
	return scan, content, err
}

// openContent opens the content of a scan that the dossier has.
func (c *Custodian) openContent(ctx context.Context, d *Dossier, name resource.Scan) (io.ReadCloser, error) {
	sealed, err := openReplaceable(ctx, c.store, d.place.scan(name.ID))
	if errors.Is(err, blobstore.ErrNotFound) {
		return nil, c.contentMissing(ctx, name, err)
	}
	if err != nil {
		return nil, backend(err)
	}
	content, err := c.openScan(ctx, d, name.ID, sealed)
	if err != nil {
		sealed.Close()
		return nil, backend(err)
	}
	return scanContent{content, sealed}, nil
}

// contentMissing says why a scan has no content: it was removed since the
// dossier was read, or it is lost.
func (c *Custodian) contentMissing(ctx context.Context, name resource.Scan, cause error) error {
	d, err := c.view(ctx, name.Artefact.Customer)
	if err != nil {
		return err
	}
	if _, err := d.scan(name.Artefact, name.ID); err != nil && !slices.Contains(d.satellites(), d.place.scan(name.ID)) {
		return err // and it is of no former contract
	}
	return fault.Wrap(cause, fault.Corrupt, ReasonCorrupt, "the scan's content is missing")
}

func (c *Custodian) openScan(ctx context.Context, d *Dossier, id string, sealed *replaceable) (io.Reader, error) {
	header, err := sealed.readHeader()
	if err != nil {
		return nil, err
	}
	if header.KeyName != d.key.Name {
		return nil, seal.ErrCorrupt
	}
	key, err := c.keys.Unwrap(ctx, d.key.Name, vault.Scan, header.Wrapped)
	if err != nil {
		return nil, err
	}
	return seal.OpenStream(key, d.place.scanBinding(id), header, sealed)
}

// scanContent closes the sealed object behind the content.
type scanContent struct {
	io.Reader
	sealed io.Closer
}

// Read gives content; its errors are of package fault.
func (s scanContent) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	switch {
	case err == nil, err == io.EOF: // a wrapped io.EOF is no end
		return n, err
	case errors.Is(err, blobstore.ErrConflict):
		return n, scanNotFound() // removed while it was read
	default:
		return n, backend(err)
	}
}

// Close ends the reading from the store.
func (s scanContent) Close() error { return s.sealed.Close() }

// DeleteScan removes a scan.
func (c *Custodian) DeleteScan(ctx context.Context, name resource.Scan, req Request) error {
	revision := newRevision()
	_, _, err := c.change(ctx, name.Artefact.Customer, req, needs{doing: removing}, func(d *Dossier) ([]string, error) {
		return nil, d.deleteScan(name.Artefact.ID, name.ID, revision)
	})
	if err == nil {
		audit.Of(ctx).Scan(name.Artefact.ID, name.ID)
	}
	return err
}

func (d *Dossier) deleteScan(artefact, id, revision string) error {
	a, err := d.artefact(artefact)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(a.GetScans(), func(s *storagev1.Scan) bool { return s.GetId() == id })
	if at < 0 {
		return scanNotFound()
	}
	a.Scans = slices.Delete(a.Scans, at, at+1)
	d.removed = append(d.removed, d.place.scan(id))
	d.stamp(a.GetRecord(), revision)
	return nil
}
