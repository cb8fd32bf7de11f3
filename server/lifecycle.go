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
