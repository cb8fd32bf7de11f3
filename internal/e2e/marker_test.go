package e2e_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/format"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/internal/servertest"
	"github.com/wertfach/wertfach/internal/testenv"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// TestNothingLiesInClear puts values that occur nowhere else through every field
// of the API, in calls that are done and in calls that are refused, and then
// searches every byte that was stored or logged for them (TARGETS R4).
func TestNothingLiesInClear(t *testing.T) {
	t.Parallel()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		(&markers{specimens: custodytest.NewSpecimens(0x5eed1), deployment: deploy(t, embeddedBackends(t), custody.Limits{})}).run(t)
	})
	t.Run("real", func(t *testing.T) {
		t.Parallel()
		v, m := testenv.NewVault(t), testenv.NewMinio(t)
		deployed := deploy(t, realBackends(t, v, m), custody.Limits{})
		(&markers{specimens: custodytest.NewSpecimens(0x5eed2), deployment: deployed}).run(t)

		// That Vault's files are searched shows in a policy's name.
		planted := "geplant-" + strings.ToLower(uuid.NewString())
		ok(t, v.Client().Sys().PutPolicyWithContext(t.Context(), planted, `path "none" { capabilities = ["deny"] }`))
		if found, _ := newSearch(t, []string{planted}).inFolders(t, []string{v.Dir()}); len(found) != 1 {
			t.Error("what was planted in Vault is not found, so the search proves nothing")
		}
	})
}

// markers puts values through the API and remembers them.
type markers struct {
	*deployment
	specimens *custodytest.Specimens
	values    []string
	c, core   *client.Client
	customer  string
	document  *wertfachv1.Artefact
}

// mark remembers a value that is long enough to be found by its meaning only.
func (m *markers) mark(value string) string {
	if len(value) >= 8 && !slices.Contains(m.values, value) {
		m.values = append(m.values, value)
	}
	return value
}

// text is a new value.
func (m *markers) text(kind string) string {
	return m.mark(kind + " " + m.specimens.Value(format.Text))
}

func (m *markers) run(t *testing.T) {
	m.c, m.core = m.client(t, "portal"), m.client(t, "core-banking")
	m.keep(t)
	m.refuse(t)
	m.nothing(t, "while the customer is there")

	// The one thing that is kept in clear for ever, on purpose.
	const reason = "Kündigung durch Kundin"
	r, err := servertest.Erase(t.Context(), m.officers(t), m.customer, reason)
	ok(t, err)
	if !bytes.Contains(r.GetEnvelope(), []byte("payload")) {
		t.Errorf("envelope %s", r.GetEnvelope())
	}
	m.nothing(t, "after the erasure")
	if found, _ := newSearch(t, []string{reason}).inFolders(t, m.folders); len(found) != 1 {
		t.Error("the reason in the receipt is not found, so the search proves nothing")
	}
	planted := m.values[len(m.values)/2]
	_, err = m.store.Put(t.Context(), "musterbank/pending/planted", []byte("what was "+planted+" planted"), blobstore.Condition{})
	ok(t, err)
	if found, _ := newSearch(t, m.values).inFolders(t, m.folders); len(found) != 1 {
		t.Errorf("of what was planted %v is found, so the search proves nothing", found)
	}
}

// nothing searches all that was stored and logged.
func (m *markers) nothing(t *testing.T, when string) {
	t.Helper()
	s := newSearch(t, m.values)
	found, size := s.inFolders(t, append(slices.Clip(m.folders), m.edge.Folder))
	for _, i := range found {
		t.Errorf("%s %q lies in clear", when, m.values[i])
	}
	for _, i := range s.in(m.log.bytes()) {
		t.Errorf("%s %q was logged", when, m.values[i])
	}
	t.Logf("%s: %d values, %d KiB of files, %d KiB of log", when, len(m.values), size>>10, len(m.log.bytes())>>10)
	if size < 64<<10 || len(m.log.bytes()) < 1<<10 {
		t.Error("there is too little to search")
	}
}

// fields takes valid values as markers, some spelt as people do.
func (m *markers) fields(values field.Values) field.Values {
	for path, value := range values {
		switch s := field.Artefact.Spec(path); {
		case s != nil && s.Format == format.PIN:
			value = m.specimens.Value(format.PUK) // as long as a PIN may be
		case strings.HasSuffix(path, ".pan"), path == "iban":
			value = grouped(value)
		}
		values[path] = value
		if s := spec(path); s.Format != "" && s.Format != format.BIC && s.Format != format.Reason {
			m.mark(value)
		}
	}
	return values
}

func spec(path string) *field.Spec {
	if s := field.Artefact.Spec(path); s != nil {
		return s
	}
	return field.Customer.Spec(path)
}

// keep makes every call that keeps values.
func (m *markers) keep(t *testing.T) {
	ctx := t.Context()
	id := m.mark("kd-" + strings.ToLower(m.specimens.Value(format.Text)))
	c := &wertfachv1.Customer{Services: everyService}
	field.Customer.Write(m.fields(m.specimens.Customer()), c)
	enrolled, err := m.c.Customers.EnrolCustomer(ctx, &wertfachv1.EnrolCustomerRequest{Parent: issuer, CustomerId: id, Customer: c})
	ok(t, err)
	m.customer = enrolled.GetName()
	for _, kind := range custodytest.Kinds() {
		a := &wertfachv1.Artefact{}
		field.Artefact.SetKind(a, kind)
		field.Artefact.Write(m.fields(m.specimens.Artefact(kind)), a)
		if card := a.GetPaymentCard(); card != nil {
			card.CardVerificationCode = "7374" // too short to look for; sealed like the number
		}
		registered, err := m.c.Artefacts.RegisterArtefact(ctx, &wertfachv1.RegisterArtefactRequest{Parent: m.customer, Artefact: a})
		ok(t, err)
		m.upload(t, registered)
		revealed, err := m.c.Artefacts.RevealArtefact(ctx, &wertfachv1.RevealArtefactRequest{
			Name: registered.GetName(), Purpose: wertfachv1.RevealPurpose_REVEAL_PURPOSE_BLOCK,
		})
		ok(t, err)
		same(t, plainArtefact(revealed), a)
		if kind == "document" {
			m.document = registered
		}
		_, err = m.c.Artefacts.UpdateArtefact(ctx, &wertfachv1.UpdateArtefactRequest{
			Artefact: &wertfachv1.Artefact{Name: registered.GetName(), Label: m.text("label")},
		})
		ok(t, err)
	}
	c = &wertfachv1.Customer{}
	field.Customer.Write(m.fields(m.specimens.Customer()), c)
	c.Name = m.customer
	_, err = m.c.Customers.UpdateCustomer(ctx, &wertfachv1.UpdateCustomerRequest{Customer: c})
	ok(t, err)
	_, err = m.core.Lifecycle.TerminateContract(ctx, &wertfachv1.TerminateContractRequest{
		Name: m.customer, EffectiveDate: "2099-12-31", Reason: m.mark("Umzug nach Villabajo"),
	})
	ok(t, err)
}

// upload sends a file with a line to look for, small and large.
func (m *markers) upload(t *testing.T, a *wertfachv1.Artefact) {
	t.Helper()
	for _, size := range []int{1 << 10, 300 << 10} {
		file := pdfFile(size, m.text("line of a page"))
		name := m.text("file") + ".pdf"
		m.mark(name)
		scan, err := m.c.UploadScan(t.Context(), a.GetName(), bytes.NewReader(file), int64(len(file)), client.FileName(name))
		ok(t, err)
		m.mark(scan.GetSha256()) // tells a known document
		var got bytes.Buffer
		_, err = m.c.DownloadScan(t.Context(), scan.GetName(), &got)
		ok(t, err)
		if !bytes.Equal(got.Bytes(), file) {
			t.Error("the scan came back as something else")
		}
	}
}

// refuse makes calls that are refused, each with a value in the place that is
// wrong or beside it.
func (m *markers) refuse(t *testing.T) {
	ctx := t.Context()
	customer := func(change func(*wertfachv1.Customer)) *wertfachv1.Customer {
		c := &wertfachv1.Customer{}
		field.Customer.Write(m.fields(m.specimens.Customer()), c)
		change(c)
		return c
	}
	wrong := []func(*wertfachv1.Customer){
		func(c *wertfachv1.Customer) { c.Iban = m.mark("DE00 " + strings.TrimPrefix(c.GetIban(), "DE")) },
		func(c *wertfachv1.Customer) { c.Email = m.text("mail") },
		func(c *wertfachv1.Customer) { c.DateOfBirth = m.text("born") },
		func(c *wertfachv1.Customer) { c.FamilyName = m.text("<name>") },
		func(c *wertfachv1.Customer) {
			c.PhonePassword = m.mark(strings.Repeat(m.specimens.Value(format.Text), 9))
		},
		func(c *wertfachv1.Customer) { c.Name = m.text("name") },
		func(c *wertfachv1.Customer) { c.Etag = m.text("etag") },
	}
	var errs []error
	call := func(_ any, err error) { errs = append(errs, err) }
	for _, change := range wrong {
		call(m.c.Customers.EnrolCustomer(ctx, &wertfachv1.EnrolCustomerRequest{
			Parent: bank, CustomerId: m.mark("KD-" + m.specimens.Value(format.Text)), Customer: customer(change),
		}))
		call(m.c.Customers.UpdateCustomer(ctx, &wertfachv1.UpdateCustomerRequest{Customer: customer(func(c *wertfachv1.Customer) {
			c.Name = m.customer
			change(c)
		})}))
	}
	card := &wertfachv1.Artefact{Kind: &wertfachv1.Artefact_PaymentCard{PaymentCard: &wertfachv1.PaymentCard{
		Pan: m.mark("4000 1234 5678 9017"), CardVerificationCode: m.mark("12345678901"), Holder: m.text("holder"),
	}}}
	call(m.c.Artefacts.RegisterArtefact(ctx, &wertfachv1.RegisterArtefactRequest{Parent: m.customer, Artefact: card}))
	call(m.c.Artefacts.RegisterArtefact(ctx, &wertfachv1.RegisterArtefactRequest{Parent: m.customer, Artefact: bike(), RequestId: m.text("request")}))
	call(m.c.Artefacts.GetArtefact(ctx, &wertfachv1.GetArtefactRequest{Name: m.customer + "/artefacts/" + m.text("artefact")}))
	call(m.c.Artefacts.GetArtefact(ctx, &wertfachv1.GetArtefactRequest{Name: m.customer + "/artefacts/" + m.mark("artefakt-4f7q9x2k")}))
	call(m.c.Customers.GetCustomer(ctx, &wertfachv1.GetCustomerRequest{Name: "institutes/" + m.mark("sparkasse-7k3v9q") + "/customers/1"}))
	call(m.c.Artefacts.ListArtefacts(ctx, &wertfachv1.ListArtefactsRequest{Parent: m.customer, PageToken: m.text("token")}))
	call(m.c.Artefacts.UpdateArtefact(ctx, &wertfachv1.UpdateArtefactRequest{
		Artefact: &wertfachv1.Artefact{Name: m.document.GetName(), Etag: m.text("etag")}, UpdateMask: mask(m.text("mask")),
	}))
	call(m.c.Artefacts.RevealArtefact(ctx, &wertfachv1.RevealArtefactRequest{
		Name: m.document.GetName(), Purpose: wertfachv1.RevealPurpose_REVEAL_PURPOSE_CLAIM, Fields: mask(m.text("reveal")),
	}))
	call(m.core.Lifecycle.TerminateContract(ctx, &wertfachv1.TerminateContractRequest{
		Name: m.customer, EffectiveDate: m.text("day"), Reason: m.text("an") + "@example.org",
	}))
	call(m.officers(t).RequestErasure(ctx, erasure(m.customer, "Konto "+m.mark("98765432101234"))))
	call(m.officers(t).EraseCustomer(ctx, &wertfachv1.EraseCustomerRequest{Name: m.customer, Reason: "Konto " + m.mark("98765432109876")}))
	call(m.core.Lifecycle.GetErasureReceipt(ctx, &wertfachv1.GetErasureReceiptRequest{Name: issuer + "/receipts/" + m.mark("quittung-8x2k4f")}))
	file := pdfFile(100<<10, m.text("line of a refused page"))
	for _, option := range []client.UploadOption{
		client.FileName("/" + m.text("folder")), client.MediaType(m.text("type")), client.MediaType("image/png"), client.RequestID(m.text("id")),
		client.SHA256([32]byte{1}),
	} {
		call(m.c.UploadScan(ctx, m.document.GetName(), bytes.NewReader(file), int64(len(file)), option))
	}
	all := newSearch(t, m.values)
	for i, err := range errs {
		if err == nil {
			t.Errorf("call %d, which is wrong, was done", i)
			continue
		}
		if found := all.in(fmt.Append(nil, err)); len(found) > 0 {
			t.Errorf("call %d: the error repeats %q: %v", i, m.values[found[0]], err)
		}
	}
}
