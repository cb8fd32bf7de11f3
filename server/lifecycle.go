package server

import (
	"context"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/resource"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
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
	return retained(s.custodian.ExplainRetention(ctx, name, req.GetEffectiveDate()))
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

func (s lifecycle) EraseCustomer(ctx context.Context, req *wertfachv1.EraseCustomerRequest) (*wertfachv1.ErasureReceipt, error) {
	name, err := resource.ParseCustomer("name", req.GetName())
	if err != nil {
		return nil, err
	}
	r, err := s.custodian.Erase(ctx, name, req.GetReason(), req.GetEtag(), request(req))
	if err != nil {
		return nil, err
	}
	audit.Of(ctx).Receipt(r.Name.ID)
	return toReceipt(r), nil
}

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
