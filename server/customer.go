package server

import (
	"context"

	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
	"github.com/wertfach/wertfach/server/access"
)

// customers is the CustomerService.
type customers struct {
	wertfachv1.UnsafeCustomerServiceServer
	custodian *custody.Custodian
}

func (s customers) EnrolCustomer(ctx context.Context, req *wertfachv1.EnrolCustomerRequest) (*wertfachv1.Customer, error) {
	institute, err := resource.ParseInstitute("parent", req.GetParent())
	if err != nil {
		return nil, err
	}
	name := resource.Customer{Institute: institute, ID: req.GetCustomerId()}
	if given := req.GetCustomer().GetName(); given != "" && given != name.String() {
		return nil, fault.Field("customer.name", "name.given", "must be empty: it is made of parent and customer_id")
	}
	c, err := s.custodian.Enrol(ctx, name, custody.Enrolment{
		Values:    field.Customer.Read(req.GetCustomer()),
		Services:  serviceNames(req.GetCustomer().GetServices()),
		Returning: req.GetReturning(),
		Request:   request(req),
	})
	if err != nil {
		return nil, err
	}
	return toCustomer(c), nil
}

func (s customers) GetCustomer(ctx context.Context, req *wertfachv1.GetCustomerRequest) (*wertfachv1.Customer, error) {
	name, err := resource.ParseCustomer("name", req.GetName())
	if err != nil {
		return nil, err
	}
	c, err := s.custodian.Customer(custody.ForRestricted(ctx, access.Restricted(req)), name)
	if err != nil {
		return nil, err
	}
	return toCustomer(c), nil
}

func (s customers) UpdateCustomer(ctx context.Context, req *wertfachv1.UpdateCustomerRequest) (*wertfachv1.Customer, error) {
	name, err := resource.ParseCustomer("customer.name", req.GetCustomer().GetName())
	if err != nil {
		return nil, err
	}
	c, err := s.custodian.UpdateCustomer(ctx, name,
		update(field.Customer, req.GetCustomer(), req.GetUpdateMask(), req.GetCustomer().GetEtag(), req))
	if err != nil {
		return nil, err
	}
	return toCustomer(c), nil
}

func (s customers) SetServices(ctx context.Context, req *wertfachv1.SetServicesRequest) (*wertfachv1.Customer, error) {
	name, err := resource.ParseCustomer("name", req.GetName())
	if err != nil {
		return nil, err
	}
	c, err := s.custodian.SetServices(ctx, name, serviceNames(req.GetServices()), req.GetEtag(), request(req))
	if err != nil {
		return nil, err
	}
	return toCustomer(c), nil
}
