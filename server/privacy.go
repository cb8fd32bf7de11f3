package server

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"slices"
	"strings"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/export"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/access"
)

// Sizes of a page of disclosures.
const (
	defaultDisclosures = 100
	maxDisclosures     = 500
)

// privacy is the PrivacyService; accesses.go has what it reads of the audit log.
type privacy struct {
	wertfachv1.UnsafePrivacyServiceServer
	*streams
	custodian *custody.Custodian
	accesses  accesses
}

// ExportCustomer is ended when the client takes nothing for a while.
func (s privacy) ExportCustomer(req *wertfachv1.ExportCustomerRequest, stream wertfachv1.PrivacyService_ExportCustomerServer) error {
	return s.moving(func(moved func()) error { return s.export(req, stream, moved) })
}

func (s privacy) export(req *wertfachv1.ExportCustomerRequest, stream wertfachv1.PrivacyService_ExportCustomerServer, moved func()) error {
	name, err := resource.ParseCustomer("name", req.GetName())
	if err != nil {
		return err
	}
	from, to, err := s.accesses.exported(req.GetAccessStartTime())
	if err != nil {
		return err
	}
	ctx, purpose := stream.Context(), strings.TrimPrefix(req.GetPurpose().String(), "EXPORT_PURPOSE_")
	audit.Of(ctx).Purpose(purpose) // in whose place comes for what restricted data is read
	out := &archive{stream: stream, moved: moved, hash: sha256.New()}
	parts := bufio.NewWriterSize(out, chunk)
	scans, err := s.custodian.Export(custody.ForRestricted(ctx, access.Restricted(req)), name, custody.ExportDraft{
		Purpose: "PURPOSE_" + purpose, Secrets: req.GetIncludeSecrets(), Request: request(req),
		Accesses: func(ctx context.Context, subject string, since time.Time) (export.Accesses, error) {
			return s.accesses.newest(ctx, name.Institute.ID, subject, later(from, since), to)
		},
	}, parts)
	if err == nil {
		err = parts.Flush()
	}
	if err != nil {
		return err
	}
	return stream.Send(&wertfachv1.ExportCustomerResponse{Part: &wertfachv1.ExportCustomerResponse_Summary{Summary: &wertfachv1.ExportSummary{
		SizeBytes: out.size, Sha256: hex.EncodeToString(out.hash.Sum(nil)), Scans: int32(scans),
	}}})
}

// later is the later one of two times.
func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// archive sends what is written to it.
type archive struct {
	stream wertfachv1.PrivacyService_ExportCustomerServer
	moved  func()
	hash   hash.Hash
	size   int64
}

// Write sends parts of at most a chunk.
func (a *archive) Write(p []byte) (int, error) {
	sent := 0
	for part := range slices.Chunk(p, chunk) {
		// Send is done with the part when it returns.
		if err := a.stream.Send(&wertfachv1.ExportCustomerResponse{Part: &wertfachv1.ExportCustomerResponse_Chunk{Chunk: part}}); err != nil {
			return sent, err
		}
		a.moved()
		a.hash.Write(part)
		sent += len(part)
		a.size += int64(len(part))
	}
	return sent, nil
}

func (s privacy) RecordDisclosure(ctx context.Context, req *wertfachv1.RecordDisclosureRequest) (*wertfachv1.Disclosure, error) {
	name, err := resource.ParseCustomer("name", req.GetName())
	if err != nil {
		return nil, err
	}
	in := custody.DisclosureDraft{
		Recipient: req.GetRecipient(), Purpose: req.GetPurpose().String(), Artefacts: req.GetArtefacts(), Classes: req.GetClasses(),
	}
	if given := req.GetDiscloseTime(); given != nil {
		if given.CheckValid() != nil {
			return nil, fault.Field("disclose_time", "time.range", "must be a time from the year 1 to 9999")
		}
		in.At = given.AsTime()
	}
	d, err := s.custodian.Disclose(ctx, name, in, request(req))
	if err != nil {
		return nil, err
	}
	return toDisclosure(d), nil
}

func (s privacy) ListDisclosures(ctx context.Context, req *wertfachv1.ListDisclosuresRequest) (*wertfachv1.ListDisclosuresResponse, error) {
	name, err := resource.ParseCustomer("parent", req.GetParent())
	if err != nil {
		return nil, err
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultDisclosures
	}
	list, more, err := s.custodian.Disclosures(custody.ForRestricted(ctx, access.Restricted(req)), name,
		custody.Page{Size: min(size, maxDisclosures), After: req.GetPageToken()})
	if err != nil {
		return nil, err
	}
	out := &wertfachv1.ListDisclosuresResponse{}
	for _, d := range list {
		out.Disclosures = append(out.Disclosures, toDisclosure(d))
	}
	if more {
		out.NextPageToken = list[len(list)-1].ID
	}
	return out, nil
}

func toDisclosure(d custody.Disclosure) *wertfachv1.Disclosure {
	out := &wertfachv1.Disclosure{
		Id: d.ID, CreateTime: stamp(d.Created), Recipient: d.Recipient,
		Purpose: wertfachv1.Disclosure_Purpose(wertfachv1.Disclosure_Purpose_value[d.Purpose]), Classes: d.Classes, ToldTime: stamp(d.Told),
	}
	for _, a := range d.Artefacts {
		out.Artefacts = append(out.Artefacts, a.String())
	}
	return out
}

func (s privacy) ListAccesses(ctx context.Context, req *wertfachv1.ListAccessesRequest) (*wertfachv1.ListAccessesResponse, error) {
	name, err := resource.ParseCustomer("parent", req.GetParent())
	if err != nil {
		return nil, err
	}
	from, to, err := span(req.GetStartTime(), req.GetEndTime(), s.accesses.now())
	if err != nil {
		return nil, err
	}
	subject, since, err := s.custodian.SubjectRead(custody.ForRestricted(ctx, access.Restricted(req)), name)
	if err != nil {
		return nil, err
	}
	if from = later(from, since); !from.Before(to) {
		return &wertfachv1.ListAccessesResponse{}, nil
	}
	page, err := s.accesses.list(ctx, audit.Query{
		Institute: name.Institute.ID, Subject: subject, From: from, To: to, Size: eventsAtOnce(req.GetPageSize()), Token: req.GetPageToken(),
	})
	if err != nil {
		return nil, err
	}
	out := &wertfachv1.ListAccessesResponse{NextPageToken: page.Next, Damaged: page.Damaged}
	for _, e := range page.Events {
		out.Accesses = append(out.Accesses, toAccess(name, e, isOfficer(ctx)))
	}
	return out, nil
}
