package e2e_test

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"

	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

const (
	nobody  = bank + "/customers/nobody"
	strange = "institutes/strange/customers/erika"
	absent  = "0000000000000000000000000a" // an id that nothing has
)

// registering is a call of RegisterArtefact.
func registering(parent func(*scene) string, a *wertfachv1.Artefact) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		_, err := s.artefacts.RegisterArtefact(ctx, &wertfachv1.RegisterArtefactRequest{Parent: parent(s), Artefact: a})
		return err
	}
}

func registeringAll(list ...*wertfachv1.Artefact) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		_, err := s.artefacts.BatchRegisterArtefacts(ctx, &wertfachv1.BatchRegisterArtefactsRequest{Parent: s.erika.GetName(), Artefacts: list})
		return err
	}
}

func enrolling(change func(*wertfachv1.EnrolCustomerRequest)) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		req := &wertfachv1.EnrolCustomerRequest{Parent: bank, CustomerId: "new", Customer: erika()}
		change(req)
		_, err := s.customers.EnrolCustomer(ctx, req)
		return err
	}
}

func ofErika(s *scene) string { return s.erika.GetName() }

// named is an artefact that says how it wants to be called.
func named(a *wertfachv1.Artefact) *wertfachv1.Artefact {
	a.Name = bank + "/customers/erika/artefacts/mine"
	return a
}

// ofUnknownKind is an artefact of a kind that the server does not know: a
// member of the oneof from a later schema.
func ofUnknownKind() *wertfachv1.Artefact {
	a := &wertfachv1.Artefact{Label: "pet"}
	unknown := protowire.AppendTag(nil, 11, protowire.BytesType)
	a.ProtoReflect().SetUnknown(protowire.AppendBytes(unknown, []byte("a dog of another schema")))
	return a
}

// sprawling is a bike with as much text as its fields take: more than 16 KiB.
func sprawling() *wertfachv1.Artefact {
	text := strings.Repeat("𝄞", 1000)
	a := bike()
	a.Label, a.GetBike().Manufacturer, a.GetBike().Model, a.GetBike().Type = text, text, text, text
	return a
}

func badRequests() []refusal {
	hundredAndOne := make([]*wertfachv1.Artefact, 101)
	for i := range hundredAndOne {
		hundredAndOne[i] = bike()
	}
	huge := bike()
	huge.Label = strings.Repeat("x", 1<<20)
	return []refusal{
		invalid("enrol nobody", enrolling(func(r *wertfachv1.EnrolCustomerRequest) { r.Customer = nil }), "customer required"),
		invalid("enrol an empty customer", enrolling(func(r *wertfachv1.EnrolCustomerRequest) { r.Customer = &wertfachv1.Customer{} }),
			"customer.family_name required", "customer.date_of_birth required", "customer.address.postal_code required", "customer.iban required"),
		invalid("enrol with two slips", enrolling(func(r *wertfachv1.EnrolCustomerRequest) {
			r.Customer.Iban, r.Customer.Email = "DE88 3704 0044 0532 0130 00", "erika at home"
		}), "customer.iban iban.checksum", "customer.email email.format"),
		invalid("enrol under another name", enrolling(func(r *wertfachv1.EnrolCustomerRequest) { r.Customer.Name = bank + "/customers/other" }),
			"customer.name name.given"),
		invalid("enrol with a service twice", enrolling(func(r *wertfachv1.EnrolCustomerRequest) {
			r.Customer.Services = append(everyService, everyService[0])
		}), "customer.services repeated.unique"),
		invalid("enrol with no service's number", enrolling(func(r *wertfachv1.EnrolCustomerRequest) { r.Customer.Services = []wertfachv1.Service{0} }),
			"customer.services[0] enum.not_in"),
		invalid("enrol with an unknown service", enrolling(func(r *wertfachv1.EnrolCustomerRequest) { r.Customer.Services = []wertfachv1.Service{77} }),
			"customer.services[0] enum.defined_only"),
		{"enrol a customer twice", enrolling(func(r *wertfachv1.EnrolCustomerRequest) { r.CustomerId = "erika" }),
			codes.AlreadyExists, "CUSTOMER_EXISTS", nil},
		{"enrol a customer twice after the contract's end", enrolling(func(r *wertfachv1.EnrolCustomerRequest) { r.CustomerId = "ended" }),
			codes.AlreadyExists, "FORMER_CONTRACT_KEPT", nil},
		{"enrol at an unknown institute", enrolling(func(r *wertfachv1.EnrolCustomerRequest) { r.Parent = "institutes/strange" }),
			codes.NotFound, "INSTITUTE_NOT_FOUND", nil},
		{"enrol with a dossier that is too large", enrolling(func(r *wertfachv1.EnrolCustomerRequest) {
			text := strings.Repeat("𝄞", 1000)
			r.Customer.Address.Street, r.Customer.Address.Supplement, r.Customer.Address.Locality = text, text, text
			r.Customer.GivenName = strings.Repeat("漢", 200)
		}), codes.ResourceExhausted, "TOO_LARGE", nil},

		invalid("register nothing", registering(ofErika, nil), "artefact required"),
		invalid("register no kind", registering(ofErika, &wertfachv1.Artefact{Label: "thing"}), "artefact.kind required"),
		invalid("register an unknown kind", registering(ofErika, ofUnknownKind()), "artefact.kind required"),
		invalid("register with a name", registering(ofErika, named(bike())), "artefact.name name.given"),
		invalid("register an unknown scheme", registering(ofErika, &wertfachv1.Artefact{Kind: &wertfachv1.Artefact_PaymentCard{
			PaymentCard: &wertfachv1.PaymentCard{Pan: "4111111111111111", Scheme: 99},
		}}), "artefact.payment_card.scheme enum.defined_only"),
		invalid("register no sort of device", registering(ofErika, &wertfachv1.Artefact{Kind: &wertfachv1.Artefact_Device{
			Device: &wertfachv1.Device{Manufacturer: "Fairphone"},
		}}), "artefact.device.type required"),
		invalid("register an unknown sort of document", registering(ofErika, &wertfachv1.Artefact{Kind: &wertfachv1.Artefact_Document{
			Document: &wertfachv1.Document{Type: 99},
		}}), "artefact.document.type enum.defined_only"),
		{"register for nobody", registering(func(*scene) string { return nobody }, bike()), codes.NotFound, "CUSTOMER_NOT_FOUND", nil},
		{"register at an unknown institute", registering(func(*scene) string { return strange }, bike()), codes.NotFound, "CUSTOMER_NOT_FOUND", nil},
		{"register without the service", registering(func(s *scene) string { return s.otto.GetName() }, sim()),
			codes.FailedPrecondition, "SERVICE_NOT_BOOKED", nil},
		{"register after the contract's end", registering(func(s *scene) string { return s.ended.GetName() }, sim()),
			codes.FailedPrecondition, "CONTRACT_ENDED", nil},
		{"register more than a MiB", registering(ofErika, huge), codes.ResourceExhausted, "", nil},
		{"register for a dossier that is too large", registering(ofErika, sprawling()), codes.ResourceExhausted, "TOO_LARGE", nil},
		{"register too many", registeringAll(bike(), bike()), codes.ResourceExhausted, "TOO_MANY", nil},
		invalid("register an empty batch", registeringAll(), "artefacts repeated.min_items"),
		invalid("register a batch of 101", registeringAll(hundredAndOne...), "artefacts repeated.max_items"),
		invalid("register a batch with a name", registeringAll(bike(), named(sim())), "artefacts[1].name name.given"),
		invalid("register a batch with no kind", registeringAll(bike(), &wertfachv1.Artefact{}), "artefacts[1].kind required"),

		{"get nobody", func(ctx context.Context, s *scene) error {
			_, err := s.customers.GetCustomer(ctx, &wertfachv1.GetCustomerRequest{Name: nobody})
			return err
		}, codes.NotFound, "CUSTOMER_NOT_FOUND", nil},
		{"get a customer of an unknown institute", func(ctx context.Context, s *scene) error {
			_, err := s.customers.GetCustomer(ctx, &wertfachv1.GetCustomerRequest{Name: strange})
			return err
		}, codes.NotFound, "CUSTOMER_NOT_FOUND", nil},
		{"get an artefact that is not there", func(ctx context.Context, s *scene) error {
			_, err := s.artefacts.GetArtefact(ctx, &wertfachv1.GetArtefactRequest{Name: s.erika.GetName() + "/artefacts/" + absent})
			return err
		}, codes.NotFound, "ARTEFACT_NOT_FOUND", nil},
		{"get another customer's artefact", func(ctx context.Context, s *scene) error {
			name := strings.Replace(s.sim.GetName(), "/erika/", "/otto/", 1)
			_, err := s.artefacts.GetArtefact(ctx, &wertfachv1.GetArtefactRequest{Name: name})
			return err
		}, codes.NotFound, "ARTEFACT_NOT_FOUND", nil},
		invalid("list pages of less than nothing", listing(-1, ""), "page_size int32.gte"),
		invalid("list from an unknown place", listing(0, absent), "page_token page-token.stale"),
		invalid("list from a long place", listing(0, strings.Repeat("abcd", 40)), "page_token string.max_len"),
		invalid("list from another customer's place", func(ctx context.Context, s *scene) error {
			_, id, _ := strings.Cut(s.old.GetName(), "/artefacts/")
			return listing(0, id)(ctx, s)
		}, "page_token page-token.stale"),
		{"register what is no message", raw("RegisterArtefact", []byte("\x0a\xff\xff\xff\xff\x0fgeheim-4711")), codes.Internal, "", nil},
		{"register a text that is not UTF-8", raw("RegisterArtefact", []byte("\x0a\x0fgeheim-4711\xff\xfe\xfd\xfc")), codes.Internal, "", nil},
		{"upload what is no message", raw("UploadScan", []byte("\x0a\xff\xff\xff\xff\x0fgeheim-4711")), codes.Internal, "", nil},
		{"call what is not there", raw("StealArtefacts", nil), codes.Unimplemented, "", nil},
		{"ask for the health of a part", func(ctx context.Context, s *scene) error {
			_, err := healthv1.NewHealthClient(s.conn).Check(ctx, &healthv1.HealthCheckRequest{Service: "wertfach.v1.ArtefactService"})
			return err
		}, codes.NotFound, "TRANSPORT", nil},
	}
}

func listing(size int32, token string) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		_, err := s.artefacts.ListArtefacts(ctx, &wertfachv1.ListArtefactsRequest{Parent: s.erika.GetName(), PageSize: size, PageToken: token})
		return err
	}
}

// raw sends bytes as they are. What is no message at all is answered by gRPC
// itself, before any of our code, and so without a reason of ours.
func raw(method string, data []byte) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		err := s.conn.Invoke(ctx, "/wertfach.v1.ArtefactService/"+method, data, &[]byte{}, grpc.ForceCodec(rawCodec{}))
		if text := status.Convert(err).Message(); strings.Contains(text, "geheim") {
			return fmt.Errorf("the value comes back: %w", err)
		}
		return err
	}
}

type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) { return v.([]byte), nil }

func (rawCodec) Unmarshal(data []byte, v any) error { *v.(*[]byte) = data; return nil }

func (rawCodec) Name() string { return "proto" }
