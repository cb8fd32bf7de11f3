package server

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/access"
)

// Sizes of a page of artefacts.
const (
	defaultPage = 100
	maxPage     = 500
)

// artefacts is the ArtefactService; scan.go has its streams.
type artefacts struct {
	wertfachv1.UnsafeArtefactServiceServer
	*streams
	custodian *custody.Custodian
}

func (s artefacts) RegisterArtefact(ctx context.Context, req *wertfachv1.RegisterArtefactRequest) (*wertfachv1.Artefact, error) {
	list, err := s.register(ctx, req.GetParent(), []*wertfachv1.Artefact{req.GetArtefact()}, "artefact", request(req))
	if err != nil {
		return nil, err
	}
	return toArtefact(list[0]), nil
}

func (s artefacts) BatchRegisterArtefacts(ctx context.Context, req *wertfachv1.BatchRegisterArtefactsRequest) (*wertfachv1.BatchRegisterArtefactsResponse, error) {
	list, err := s.register(ctx, req.GetParent(), req.GetArtefacts(), "artefacts[%d]", request(req))
	if err != nil {
		return nil, err
	}
	return &wertfachv1.BatchRegisterArtefactsResponse{Artefacts: toArtefacts(list)}, nil
}

// register registers artefacts that stand in the request's field at, which may
// hold their number.
func (s artefacts) register(ctx context.Context, parent string, list []*wertfachv1.Artefact, at string, req custody.Request) ([]custody.Artefact, error) {
	name, err := resource.ParseCustomer("parent", parent)
	if err != nil {
		return nil, err
	}
	drafts := make([]custody.Draft, len(list))
	for i, a := range list {
		drafts[i] = custody.Draft{Field: at, Kind: field.Artefact.KindOf(a), Values: field.Artefact.Read(a)}
		if len(list) > 1 || at != "artefact" {
			drafts[i].Field = fmt.Sprintf(at, i)
		}
		if a.GetName() != "" {
			return nil, fault.Field(drafts[i].Field+".name", "name.given", "must be empty: the server names artefacts")
		}
	}
	return s.custodian.Register(ctx, name, drafts, req)
}

func (s artefacts) GetArtefact(ctx context.Context, req *wertfachv1.GetArtefactRequest) (*wertfachv1.Artefact, error) {
	name, err := resource.ParseArtefact("name", req.GetName())
	if err != nil {
		return nil, err
	}
	a, err := s.custodian.Artefact(custody.ForRestricted(ctx, access.Restricted(req)), name)
	if err != nil {
		return nil, err
	}
	return toArtefact(a), nil
}

func (s artefacts) ListArtefacts(ctx context.Context, req *wertfachv1.ListArtefactsRequest) (*wertfachv1.ListArtefactsResponse, error) {
	name, err := resource.ParseCustomer("parent", req.GetParent())
	if err != nil {
		return nil, err
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultPage
	}
	list, more, err := s.custodian.Artefacts(custody.ForRestricted(ctx, access.Restricted(req)), name, custody.Page{Size: min(size, maxPage), After: req.GetPageToken()})
	if err != nil {
		return nil, err
	}
	out := &wertfachv1.ListArtefactsResponse{Artefacts: toArtefacts(list)}
	if more {
		out.NextPageToken = list[len(list)-1].Name.ID
	}
	return out, nil
}

func (s artefacts) UpdateArtefact(ctx context.Context, req *wertfachv1.UpdateArtefactRequest) (*wertfachv1.Artefact, error) {
	name, err := resource.ParseArtefact("artefact.name", req.GetArtefact().GetName())
	if err != nil {
		return nil, err
	}
	a, err := s.custodian.UpdateArtefact(ctx, name, field.Artefact.KindOf(req.GetArtefact()),
		update(field.Artefact, req.GetArtefact(), req.GetUpdateMask(), req.GetArtefact().GetEtag(), req))
	if err != nil {
		return nil, err
	}
	return toArtefact(a), nil
}

func (s artefacts) DeleteArtefact(ctx context.Context, req *wertfachv1.DeleteArtefactRequest) (*emptypb.Empty, error) {
	name, err := resource.ParseArtefact("name", req.GetName())
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, s.custodian.DeleteArtefact(ctx, name, req.GetEtag(), request(req))
}

func (s artefacts) RevealArtefact(ctx context.Context, req *wertfachv1.RevealArtefactRequest) (*wertfachv1.Artefact, error) {
	name, err := resource.ParseArtefact("name", req.GetName())
	if err != nil {
		return nil, err
	}
	audit.Of(ctx).Add(func(e *audit.Event) { e.Purpose = strings.TrimPrefix(req.GetPurpose().String(), "REVEAL_PURPOSE_") })
	a, err := s.custodian.Reveal(ctx, name, req.GetFields().GetPaths())
	if err != nil {
		return nil, err
	}
	return toArtefact(a), nil
}
