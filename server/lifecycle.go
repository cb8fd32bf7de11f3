package server

import (
	"cmp"
	"context"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/resource"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/identity"
)

// lifecycle is the LifecycleService.
type lifecycle struct {
	wertfachv1.UnsafeLifecycleServiceServer
	custodian *custody.Custodian
}

func (s lifecycle) TerminateContract(ctx context.Context, req *wertfachv1.TerminateContractRequest) (*wertfachv1.Customer, error) {
	name, err := resource.ParseCustomer("name", req.GetName())
	if err != nil {
		return nil, err
	}
	c, err := s.custodian.Terminate(ctx, name, req.GetEffectiveDate(), req.GetReason(), request(req))
	if err != nil {
		return nil, err
	}
	return toCustomer(c), nil
}

func (s lifecycle) CancelTermination(ctx context.Context, req *wertfachv1.CancelTerminationRequest) (*wertfachv1.Customer, error) {
	name, err := resource.ParseCustomer("name", req.GetName())
	if err != nil {
		return nil, err
	}
	c, err := s.custodian.CancelTermination(ctx, name, request(req))
	if err != nil {
		return nil, err
	}
	return toCustomer(c), nil
}

func (s lifecycle) ExplainRetention(ctx context.Context, req *wertfachv1.ExplainRetentionRequest) (*wertfachv1.Retention, error) {
	name, err := resource.ParseCustomer("name", req.GetName())
	if err != nil {
		return nil, err
	}
	r, err := s.custodian.ExplainRetention(ctx, name, req.GetEffectiveDate())
	if audit.Of(ctx).Event().Role != identity.RoleName(wertfachv1.Role_ROLE_PRIVACY_OFFICER) {
		// Others see that something stands against it, and not what officers wrote.
		r.Request = nil
		for i := range r.Holds {
			r.Holds[i].Reason = ""
		}
	}
	return retained(r, err)
}

func (s lifecycle) RestrictProcessing(ctx context.Context, req *wertfachv1.RestrictProcessingRequest) (*wertfachv1.Retention, error) {
	name, err := resource.ParseCustomer("name", req.GetName())
	if err != nil {
		return nil, err
	}
	return retained(s.custodian.Restrict(ctx, name, req.GetGround().String(), request(req)))
}

func (s lifecycle) LiftRestriction(ctx context.Context, req *wertfachv1.LiftRestrictionRequest) (*wertfachv1.Retention, error) {
	name, err := resource.ParseCustomer("name", req.GetName())
	if err != nil {
		return nil, err
	}
	return retained(s.custodian.Lift(ctx, name, req.GetCustomerToldTime().AsTime(), request(req)))
}

func (s lifecycle) PlaceHold(ctx context.Context, req *wertfachv1.PlaceHoldRequest) (*wertfachv1.Retention, error) {
	name, err := resource.ParseCustomer("name", req.GetName())
	if err != nil {
		return nil, err
	}
	in := custody.HoldDraft{Kind: req.GetKind().String(), Reason: req.GetReason(), Until: req.GetUntilDate()}
	return retained(s.custodian.Hold(ctx, name, in, request(req)))
}

func (s lifecycle) ReleaseHold(ctx context.Context, req *wertfachv1.ReleaseHoldRequest) (*wertfachv1.Retention, error) {
	name, err := resource.ParseCustomer("name", req.GetName())
	if err != nil {
		return nil, err
	}
	return retained(s.custodian.Release(ctx, name, req.GetHoldId(), request(req)))
}

// retained encodes what a call says of what is kept.
func retained(r custody.Retention, err error) (*wertfachv1.Retention, error) {
	if err != nil {
		return nil, err
	}
	return toRetention(r), nil
}

func (s lifecycle) RequestErasure(ctx context.Context, req *wertfachv1.RequestErasureRequest) (*wertfachv1.ErasureRequest, error) {
	name, err := resource.ParseCustomer("name", req.GetName())
	if err != nil {
		return nil, err
	}
	r, err := s.custodian.RequestErasure(ctx, name, custody.ErasureDraft{
		Ground: req.GetGround().String(), Reason: req.GetReason(), ETag: req.GetEtag(), By: principal(ctx),
	}, request(req))
	if err != nil {
		return nil, err
	}
	return toErasureRequest(&r), nil
}

func (s lifecycle) CancelErasure(ctx context.Context, req *wertfachv1.CancelErasureRequest) (*emptypb.Empty, error) {
	name, err := resource.ParseCustomer("name", req.GetName())
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, s.custodian.CancelErasure(ctx, name, request(req))
}

func (s lifecycle) EraseCustomer(ctx context.Context, req *wertfachv1.EraseCustomerRequest) (*wertfachv1.ErasureReceipt, error) {
	name, err := resource.ParseCustomer("name", req.GetName())
	if err != nil {
		return nil, err
	}
	r, err := s.custodian.Erase(ctx, name, custody.Confirmation{By: principal(ctx), Reason: req.GetReason(), ETag: req.GetEtag()}, request(req))
	if err != nil {
		return nil, err
	}
	audit.Of(ctx).Receipt(r.Name.ID)
	return toReceipt(r), nil
}

// principal is who calls, as the record of the call names them.
func principal(ctx context.Context) string { return audit.Of(ctx).Event().Principal }

func (s lifecycle) GetErasureReceipt(ctx context.Context, req *wertfachv1.GetErasureReceiptRequest) (*wertfachv1.ErasureReceipt, error) {
	name, err := resource.ParseReceipt("name", req.GetName())
	if err != nil {
		return nil, err
	}
	r, err := s.custodian.Receipt(ctx, name)
	if err != nil {
		return nil, err
	}
	audit.Of(ctx).Receipt(r.Name.ID)
	return toReceipt(r), nil
}

func (s lifecycle) ListErasureReceipts(ctx context.Context, req *wertfachv1.ListErasureReceiptsRequest) (*wertfachv1.ListErasureReceiptsResponse, error) {
	parent, err := resource.ParseInstitute("parent", req.GetParent())
	if err != nil {
		return nil, err
	}
	size := cmp.Or(int(req.GetPageSize()), defaultPage)
	list, more, err := s.custodian.Receipts(ctx, parent, custody.Page{Size: min(size, maxPage), After: req.GetPageToken()})
	if err != nil {
		return nil, err
	}
	out := &wertfachv1.ListErasureReceiptsResponse{}
	for _, r := range list {
		out.Receipts = append(out.Receipts, toReceipt(r))
	}
	if more {
		out.NextPageToken = list[len(list)-1].Name.ID
	}
	return out, nil
}
