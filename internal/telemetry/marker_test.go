package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/format"
	"github.com/wertfach/wertfach/internal/custodytest"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// markers are values that occur nowhere else.
type markers struct {
	*custodytest.Specimens
	values []string
}

func (m *markers) mark(value string) string {
	if len(value) >= 8 {
		m.values = append(m.values, value)
	}
	return value
}

func (m *markers) text(kind string) string { return m.mark(kind + " " + m.Value(format.Text)) }

// fields are valid values, all to be searched for that people did not choose from
// a list.
func (m *markers) fields(values field.Values, table *field.Table) field.Values {
	for path, value := range values {
		if s := table.Spec(path); s.Format == format.PIN {
			values[path] = m.mark(m.Value(format.PUK)) // as long as a PIN may be
		} else if s.Format != "" && s.Format != format.BIC && s.Format != format.Reason {
			m.mark(value)
		}
	}
	return values
}

// TestNothingIsTold puts values through the API, in calls that are done and in
// calls that are refused, and looks for them in every metric, every span, and the
// log (TARGETS R4).
func TestNothingIsTold(t *testing.T) {
	t.Parallel()
	r, m := run(t), &markers{Specimens: custodytest.NewSpecimens(0x5eed3)}
	portal, core := r.client(t, "portal"), r.client(t, "core-banking")
	customer, artefact := m.keep(t, portal)
	m.refuse(t, portal, customer, artefact)
	m.makeUp(t, r)
	_, err := core.Lifecycle.TerminateContract(t.Context(), &wertfachv1.TerminateContractRequest{
		Name: customer, EffectiveDate: "2199-01-01", Reason: m.mark("Umzug nach Villabajo"),
	})
	ok(t, err)
	again := &wertfachv1.Customer{}
	field.Customer.Write(m.PlainCustomer(), again)
	_, id, _ := strings.Cut(customer, "/customers/")
	// Who is there already is not enrolled, and the key that was made is destroyed.
	if _, err := core.Customers.EnrolCustomer(t.Context(), &wertfachv1.EnrolCustomerRequest{
		Parent: "institutes/musterbank", CustomerId: id, Customer: again,
	}); fault.ReasonOf(err) != custody.ReasonCustomerExists {
		t.Errorf("enrolled twice: %v", err)
	}

	_, scrape := r.page(t, "/metrics")
	if code, health := r.page(t, "/readyz"); code != http.StatusOK {
		t.Errorf("/readyz: %s", health)
	}
	r.stop(t)
	for what, text := range map[string]string{"metrics": scrape, "spans": string(r.bodies), "log": r.log.String()} {
		for _, value := range m.values {
			if strings.Contains(text, value) {
				t.Errorf("the %s hold %q", what, value)
			}
		}
		for _, person := range []string{"spiffe://", "127.0.0.1:5", customer} {
			if what != "log" && strings.Contains(text, person) {
				t.Errorf("the %s hold %q, which tells who", what, person)
			}
		}
	}
	if len(m.values) < 60 {
		t.Errorf("%d values prove little", len(m.values))
	}
	r.toldAll(t, scrape)
}

// toldAll wants what is told of those calls, or nothing was proved.
func (r *running) toldAll(t *testing.T, scrape string) {
	t.Helper()
	for _, want := range []string{
		`wertfach_rpc_duration_seconds_count{code="OK",rpc="ArtefactService/RevealArtefact"} 1`,
		`wertfach_rpc_duration_seconds_count{code="InvalidArgument",rpc="CustomerService/EnrolCustomer"} 5`,
		`wertfach_backend_duration_seconds_count{backend="vault",op="destroy",outcome="ok"} 1`,
		`wertfach_backend_duration_seconds_count{backend="store",op="put_stream",outcome="ok"} 1`,
		`wertfach_backend_duration_seconds_count{backend="archive",op="create",outcome="ok"}`,
		`wertfach_refused_total{reason="ROLE_NOT_ALLOWED"} 1`,
	} {
		if !strings.Contains(scrape, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	names := r.spanNames()
	for _, want := range []string{
		"wertfach.v1.CustomerService/EnrolCustomer", "wertfach.v1.ArtefactService/UploadScan", "wertfach.v1.LifecycleService/EraseCustomer",
		"vault create", "vault unwrap", "vault destroy", "store get", "store put", "store put_stream", "store open",
	} {
		if !slices.Contains(names, want) {
			t.Errorf("there is no span %q among %q", want, names)
		}
	}
	for line := range strings.Lines(r.log.String()) {
		var record struct {
			Msg, Method string
			TraceID     string `json:"trace_id"`
		}
		ok(t, json.Unmarshal([]byte(line), &record))
		if record.Msg == "call" && strings.HasPrefix(record.Method, "wertfach.v1.") && len(record.TraceID) != 32 {
			t.Errorf("a line does not name its trace: %s", line)
		}
	}
}

// keep makes calls that are done.
func (m *markers) keep(t *testing.T, c *client.Client) (customer string, artefact *wertfachv1.Artefact) {
	ctx := t.Context()
	in := &wertfachv1.Customer{}
	for _, name := range custodytest.Services() {
		in.Services = append(in.Services, wertfachv1.Service(wertfachv1.Service_value[name]))
	}
	field.Customer.Write(m.fields(m.Customer(), field.Customer), in)
	enrolled, err := c.Customers.EnrolCustomer(ctx, &wertfachv1.EnrolCustomerRequest{
		Parent: "institutes/musterbank", CustomerId: m.mark("kd-" + strings.ToLower(m.Value(format.Text))), Customer: in, RequestId: m.mark(uuid.NewString()),
	})
	ok(t, err)
	for _, kind := range custodytest.Kinds() {
		a := &wertfachv1.Artefact{Label: m.text("label")}
		field.Artefact.SetKind(a, kind)
		field.Artefact.Write(m.fields(m.Artefact(kind), field.Artefact), a)
		registered, err := c.Artefacts.RegisterArtefact(ctx, &wertfachv1.RegisterArtefactRequest{Parent: enrolled.GetName(), Artefact: a})
		ok(t, err)
		if kind == "sim_card" {
			_, err = c.Artefacts.RevealArtefact(ctx, &wertfachv1.RevealArtefactRequest{Name: registered.GetName(), Purpose: wertfachv1.RevealPurpose_REVEAL_PURPOSE_UNLOCK})
			ok(t, err)
			artefact = registered
		}
	}
	file := m.PDF(100 << 10)
	scan, err := c.UploadScan(ctx, artefact.GetName(), bytes.NewReader(file), int64(len(file)), client.FileName(m.text("file")+".pdf"))
	ok(t, err)
	m.mark(scan.GetSha256())
	_, err = c.DownloadScan(ctx, scan.GetName(), new(bytes.Buffer))
	ok(t, err)
	return enrolled.GetName(), artefact
}

// refuse makes calls that are refused.
func (m *markers) refuse(t *testing.T, c *client.Client, customer string, artefact *wertfachv1.Artefact) {
	ctx := t.Context()
	var errs []error
	call := func(_ any, err error) { errs = append(errs, err) }
	for _, wrong := range []*wertfachv1.Customer{
		{Iban: m.text("DE00")}, {Email: m.text("mail")}, {DateOfBirth: m.text("born")}, {FamilyName: m.text("<name>")},
	} {
		call(c.Customers.EnrolCustomer(ctx, &wertfachv1.EnrolCustomerRequest{Parent: "institutes/musterbank", CustomerId: m.mark(m.Value(format.PUK)), Customer: wrong}))
	}
	call(c.Customers.EnrolCustomer(ctx, &wertfachv1.EnrolCustomerRequest{Parent: m.text("parent"), CustomerId: m.text("id")}))
	call(c.Customers.GetCustomer(ctx, &wertfachv1.GetCustomerRequest{Name: "institutes/kartenbank/customers/" + m.mark(m.Value(format.PUK))}))
	call(c.Customers.GetCustomer(ctx, &wertfachv1.GetCustomerRequest{Name: "institutes/" + m.mark("bank-7k3v9qxyz") + "/customers/1"}))
	call(c.Artefacts.ListArtefacts(ctx, &wertfachv1.ListArtefactsRequest{Parent: customer, PageToken: m.text("token")}))
	call(c.Artefacts.UpdateArtefact(ctx, &wertfachv1.UpdateArtefactRequest{
		Artefact: &wertfachv1.Artefact{Name: artefact.GetName(), Etag: m.text("etag")}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{m.text("mask")}},
	}))
	call(c.Lifecycle.EraseCustomer(ctx, &wertfachv1.EraseCustomerRequest{Name: customer, Reason: m.text("reason")})) // not a portal's
	file := m.PDF(1000)
	call(c.UploadScan(ctx, artefact.GetName(), bytes.NewReader(file), int64(len(file)), client.FileName("/"+m.text("folder")), client.MediaType(m.text("type"))))
	for i, err := range errs {
		if err == nil {
			t.Errorf("call %d, which is wrong, was done", i)
		}
	}
}

// makeUp makes calls whose very frame is made up: methods that there are none of,
// and headers.
func (m *markers) makeUp(t *testing.T, r *running) {
	header := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		ctx = headers(ctx, "traceparent", sampled, "tracestate", "a="+m.mark("tracestate5k2p"), "baggage", "a="+m.mark("baggage8x3v1"),
			"authorization", "Bearer "+m.mark("bearer-token-9f4k2"), "x-customer", m.mark("header-7h2k5v"))
		return next(ctx, method, req, reply, cc, opts...)
	}
	c := r.client(t, "portal", grpc.WithUnaryInterceptor(header))
	if _, err := c.Customers.GetCustomer(t.Context(), &wertfachv1.GetCustomerRequest{Name: "institutes/musterbank/customers/1"}); err == nil {
		t.Error("a token that is none was taken")
	}
	conn, err := grpc.NewClient(r.node.Address(), grpc.WithTransportCredentials(r.credentials(t, "portal")))
	ok(t, err)
	defer conn.Close()
	for _, method := range []string{"/wertfach.v1.ArtefactService/%s", "/%s/Get"} {
		if err := conn.Invoke(t.Context(), fmt.Sprintf(method, m.mark("Method4k7v2")), &emptypb.Empty{}, &emptypb.Empty{}); err == nil {
			t.Error("a method that there is none of was called")
		}
	}
}
