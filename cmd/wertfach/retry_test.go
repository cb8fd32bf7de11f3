package main

import (
	"context"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// rivals is a CustomerService whose customer somebody else changes between the
// reading and the setting of services, a number of times.
type rivals struct {
	wertfachv1.CustomerServiceClient
	changes int
	sets    int
	left    []wertfachv1.Service
}

func (r *rivals) GetCustomer(_ context.Context, req *wertfachv1.GetCustomerRequest, _ ...grpc.CallOption) (*wertfachv1.Customer, error) {
	services := []wertfachv1.Service{wertfachv1.Service_SERVICE_BIKE_PROTECTION, wertfachv1.Service_SERVICE_DEVICE_INSURANCE}
	if r.sets > 0 { // booked meanwhile
		services = append(services, wertfachv1.Service_SERVICE_DOCUMENT_PROTECTION)
	}
	return &wertfachv1.Customer{Name: req.GetName(), Services: services, Etag: time.Duration(r.sets).String()}, nil
}

func (r *rivals) SetServices(_ context.Context, req *wertfachv1.SetServicesRequest, _ ...grpc.CallOption) (*wertfachv1.Customer, error) {
	if req.GetEtag() != time.Duration(r.sets).String() {
		return nil, fault.New(fault.Internal, "TEST", "the etag is not the customer's")
	}
	r.sets++
	if r.sets <= r.changes {
		return nil, fault.New(fault.Aborted, custody.ReasonStaleETag, "changed")
	}
	r.left = req.GetServices()
	return &wertfachv1.Customer{Services: req.GetServices()}, nil
}

func TestWithdrawingTriesOnceMore(t *testing.T) {
	t.Parallel()
	for changes, want := range []struct {
		reason string
		left   []wertfachv1.Service
	}{
		{"", []wertfachv1.Service{wertfachv1.Service_SERVICE_DEVICE_INSURANCE}},
		{"", []wertfachv1.Service{wertfachv1.Service_SERVICE_DEVICE_INSURANCE, wertfachv1.Service_SERVICE_DOCUMENT_PROTECTION}},
		{custody.ReasonStaleETag, nil},
	} {
		r := &rivals{changes: changes}
		_, err := withdraw(t.Context(), &client.Client{Customers: r}, customerName, wertfachv1.Service_SERVICE_BIKE_PROTECTION)
		if fault.ReasonOf(err) != want.reason || !slices.Equal(r.left, want.left) {
			t.Errorf("after %d changes: %v, left %v; want %q, %v", changes, err, r.left, want.reason, want.left)
		}
	}
}

// zone is a LifecycleService of an institute in a time zone.
type zone struct {
	wertfachv1.LifecycleServiceClient
	today string
	asked int
}

func (z *zone) TerminateContract(_ context.Context, req *wertfachv1.TerminateContractRequest, _ ...grpc.CallOption) (*wertfachv1.Customer, error) {
	z.asked++
	if req.GetEffectiveDate() < z.today {
		return nil, fault.Field("effective_date", datePast, "must be today or later in the institute's time zone")
	}
	return &wertfachv1.Customer{Contract: &wertfachv1.Contract{EffectiveDate: req.GetEffectiveDate()}}, nil
}

// on asks for a termination today, and gives the day that it came to.
func (z *zone) on(t *testing.T, c *cli) (day string, err error) {
	req := &wertfachv1.TerminateContractRequest{EffectiveDate: "today"}
	err = c.onDay(&req.EffectiveDate, func() error {
		answer, err := z.TerminateContract(t.Context(), req)
		day = answer.GetContract().GetEffectiveDate()
		return err
	})
	return day, err
}

// "today" is the institute's day, wherever the command runs.
func TestTerminatingToday(t *testing.T) {
	t.Parallel()
	for hour := range 24 {
		for _, offset := range []int{-12, -5, 0, 1, 2, 9, 14} {
			now := time.Date(2026, 2, 28, hour, 59, 0, 0, time.UTC)
			today := now.In(time.FixedZone("", offset*3600)).Format(time.DateOnly)
			z := &zone{today: today}
			c := &cli{now: func() time.Time { return now.In(time.FixedZone("", 8*3600)) }}
			if day, err := z.on(t, c); err != nil || day != today {
				t.Errorf("%v at UTC%+d: %v, %v; want %s", now, offset, day, err, today)
			}
		}
	}
	never := &zone{today: "9999-12-31"} // clocks that are far apart
	c := &cli{now: time.Now}
	if _, err := never.on(t, c); fault.KindOf(err) != fault.Invalid || never.asked != 3 {
		t.Errorf("%v after %d calls", err, never.asked)
	}
}
