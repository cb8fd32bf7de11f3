package custody

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/argon2"
	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/format"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/internal/custodytest"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
	"github.com/wertfach/wertfach/vault"
)

// hoard is a customer of an institute that keeps card verification codes, with
// a value in every field, and all those that are secret.
type hoard struct {
	customer  resource.Customer
	password  string
	artefacts map[string]Artefact     // as registered, by kind
	values    map[string]field.Values // as typed, by kind; "" is the customer
	secrets   []string
}

func (w *world) hoard(t testing.TB, c *Custodian, seed uint64) hoard {
	t.Helper()
	s := custodytest.NewSpecimens(seed)
	h := hoard{
		customer:  resource.Customer{Institute: resource.Institute{ID: issuer}, ID: "c-" + random(10)},
		artefacts: map[string]Artefact{}, values: map[string]field.Values{"": s.Customer()},
	}
	h.password = h.values[""]["phone_password"]
	if _, err := c.Enrol(t.Context(), h.customer, Enrolment{Values: h.values[""], Services: custodytest.Services()}); err != nil {
		t.Fatal(err)
	}
	var drafts []Draft
	for _, kind := range custodytest.Kinds() {
		h.values[kind] = s.Artefact(kind)
		drafts = append(drafts, Draft{Field: kind, Kind: kind, Values: h.values[kind]})
	}
	h.values["payment_card"]["payment_card.card_verification_code"] = s.Value(format.CardVerificationCode)
	list, err := c.Register(t.Context(), h.customer, drafts, Request{})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		h.artefacts[a.Kind] = a
	}
	for kind, values := range h.values {
		table := field.Artefact
		if kind == "" {
			table = field.Customer
		}
		for path, text := range values {
			// A code of three digits occurs by chance; see TestRevealOpensOnlyWhatIsAsked.
			if table.Spec(path).Secret && len(text) > 3 {
				h.secrets = append(h.secrets, text)
			}
		}
	}
	return h
}

// TestNothingSecretIsListed goes through all answers that are no reveal, and
// through the stored dossier, opened.
func TestNothingSecretIsListed(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		var mu sync.Mutex
		touched := map[vault.Context]bool{}
		c := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
			mu.Lock()
			defer mu.Unlock()
			touched[call.Context] = true
			return custodytest.Pass
		}))
		h := w.hoard(t, c, 11)
		clear(touched)

		var answers []any
		customer, err := c.Customer(ctx, h.customer)
		answers = append(answers, customer)
		list, _, listErr := c.Artefacts(ctx, h.customer, Page{Size: 100})
		answers = append(answers, list)
		if err != nil || listErr != nil || len(list) != len(h.artefacts) {
			t.Fatal(err, listErr, len(list))
		}
		for _, a := range h.artefacts {
			one, err := c.Artefact(ctx, a.Name)
			if err != nil {
				t.Fatal(err)
			}
			answers = append(answers, a, one)
		}
		if touched[vault.Secret] || touched[vault.Scan] {
			t.Error("listing used a key of a compartment")
		}
		d, err := c.view(ctx, h.customer)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := proto.Marshal(d.stored)
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, d.stored.String())
		for _, secret := range h.secrets {
			if bytes.Contains(plain, []byte(secret)) {
				t.Error("a secret lies in the dossier in clear")
			}
			for _, a := range answers {
				if strings.Contains(fmt.Sprintf("%+v", a), secret) {
					t.Errorf("a secret is in the answer %T", a)
				}
			}
		}
		pan := h.values["payment_card"]["payment_card.pan"]
		if got, want := h.artefacts["payment_card"].Values["payment_card.pan"], pan[:6]+"••••••"+pan[len(pan)-4:]; got != want {
			t.Errorf("the card's number shows as %q, want %q", got, want)
		}
		if got := h.artefacts["payment_card"].Values["payment_card.card_verification_code"]; got != "••••" {
			t.Errorf("the card's code shows as %q", got)
		}
	})
}

// TestRevealOpensOnlyWhatIsAsked reveals each field of each kind alone.
func TestRevealOpensOnlyWhatIsAsked(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		var mu sync.Mutex
		calls := 0
		c := w.server(t, w.scripted(func(_ context.Context, call custodytest.Call) custodytest.Fate {
			mu.Lock()
			defer mu.Unlock()
			if call.Context == vault.Secret {
				calls++
			}
			return custodytest.Pass
		}))
		h := w.hoard(t, c, 12)
		for kind, a := range h.artefacts {
			for path := range h.values[kind] {
				calls = 0
				ctx, draft := audit.Begin(ctx, audit.Event{})
				got, err := c.Reveal(ctx, a.Name, []string{path})
				if err != nil {
					t.Fatal(err)
				}
				// Whatever others see masked is on record, a document's number too.
				recorded := slices.Equal(draft.Event().Fields, []string{path})
				if masked := field.Artefact.Spec(path).Masked(); recorded != masked {
					t.Errorf("revealing %s, masked %t: on record %v", path, masked, draft.Event().Fields)
				}
				want := merge(a.Values, h.values[kind], []string{path})
				if shown(got.Values) != shown(want) {
					t.Errorf("revealing %s gives %s, want %s", path, shown(got.Values), shown(want))
				}
				if secret := field.Artefact.Spec(path).Secret; secret != (calls == 1) || calls > 1 {
					t.Errorf("revealing %s took %d calls for keys of secrets", path, calls)
				}
			}
			for _, paths := range [][]string{nil, {kind}} {
				calls = 0
				got, err := c.Reveal(ctx, a.Name, paths)
				if err != nil || shown(got.Values) != shown(h.values[kind]) {
					t.Errorf("revealing all of %s: %v, %s", kind, err, shown(got.Values))
				}
				if calls > 1 {
					t.Errorf("revealing all of %s took %d calls for keys of secrets, want one", kind, calls)
				}
			}
			_, err := c.Reveal(ctx, a.Name, []string{"phone_password"})
			breaks(t, err, "fields", "field-mask.path")
		}
	})
}

// TestSecretsOfSeveralWritesAreRevealedTogether has secrets under several data keys.
func TestSecretsOfSeveralWritesAreRevealedTogether(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		f, s := w.fixture(ctx, t), custodytest.NewSpecimens(13)
		want := field.Values{}
		for _, path := range []string{"sim_card.pin", "sim_card.pin2", "sim_card.puk", "sim_card.puk2"} {
			want[path] = s.Value(field.Artefact.Spec(path).Format)
			if _, err := c.UpdateArtefact(ctx, f.sim, "", Update{Values: want, Paths: []string{path}}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := c.Reveal(ctx, f.sim, nil)
		if err != nil || shown(only(got.Values, set(field.Artefact, want))) != shown(want) {
			t.Errorf("%v: %s, want %s", err, shown(got.Values), shown(want))
		}
	})
}

// TestSwappedCompartmentsDoNotOpen puts sealed secrets in the places of others.
func TestSwappedCompartmentsDoNotOpen(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, w *world) {
		ctx, c := t.Context(), w.server(t)
		f, stranger := w.fixture(ctx, t), w.fixture(ctx, t)
		second, err := c.Register(ctx, f.customer, []Draft{
			{Field: "a", Kind: "sim_card", Values: custodytest.NewSpecimens(14).Artefact("sim_card")},
		}, Request{})
		if err != nil {
			t.Fatal(err)
		}
		secretOf := func(name resource.Artefact, path string) []byte {
			d, err := c.view(ctx, name.Customer)
			if err != nil {
				t.Fatal(err)
			}
			a, err := d.artefact(name.ID)
			if err != nil {
				t.Fatal(err)
			}
			return a.GetRecord().GetCompartments()[slices.IndexFunc(a.GetRecord().GetCompartments(), at(path))].GetSealed()
		}
		own := secretOf(f.sim, "sim_card.puk")
		put := func(sealed []byte) {
			_, _, err := c.change(ctx, f.customer, Request{}, needs{}, func(d *Dossier) ([]string, error) {
				a, err := d.artefact(f.sim.ID)
				if err == nil {
					comps := a.GetRecord().GetCompartments()
					comps[slices.IndexFunc(comps, at("sim_card.puk"))].Sealed = sealed
				}
				return nil, err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		flipped := bytes.Clone(own)
		flipped[len(flipped)-1] ^= 1
		for name, sealed := range map[string][]byte{
			"another field":    secretOf(f.sim, "sim_card.puk2"),
			"another artefact": secretOf(second[0].Name, "sim_card.puk"),
			"another customer": secretOf(stranger.sim, "sim_card.puk"),
			"flipped":          flipped,
			"cut":              own[:len(own)-1],
			"nothing":          nil,
		} {
			put(sealed)
			if _, err := c.Reveal(ctx, f.sim, []string{"sim_card.puk"}); fault.KindOf(err) != fault.Corrupt {
				t.Errorf("the secret of %s: %v", name, err)
			}
			if _, err := c.Reveal(ctx, f.sim, []string{"sim_card.pin"}); err != nil {
				t.Errorf("beside the secret of %s: %v", name, err)
			}
		}
		put(own)
		if _, err := c.Reveal(ctx, f.sim, nil); err != nil {
			t.Error(err)
		}
	})
}

func at(path string) func(*storagev1.Compartment) bool {
	return func(c *storagev1.Compartment) bool { return c.GetPath() == path }
}

// TestTelephonePasswordIsKeptAsAHash recomputes what is stored (RFC 9106).
func TestTelephonePasswordIsKeptAsAHash(t *testing.T) {
	t.Parallel()
	w := newWorld(t, custodytest.Embedded())
	ctx, c := t.Context(), w.server(t)
	h := w.hoard(t, c, 15)
	hash := func() string {
		d, err := c.view(ctx, h.customer)
		if err != nil {
			t.Fatal(err)
		}
		values, err := c.reveal(ctx, d, customerResource, d.stored.GetCustomer(), []string{"phone_password"})
		if err != nil {
			t.Fatal(err)
		}
		return values["phone_password"]
	}
	check := func(stored, password string) {
		t.Helper()
		parts := strings.Split(stored, "$")
		if len(parts) != 6 || strings.Join(parts[:4], "$") != "$argon2id$v=19$m=19456,t=2,p=1" {
			t.Fatalf("stored as %q", stored)
		}
		salt, _ := base64.RawStdEncoding.DecodeString(parts[4])
		key := argon2.IDKey([]byte(format.PhonePassword.Normalise(password)), salt, 2, 19*1024, 1, 32)
		if len(salt) != 16 || base64.RawStdEncoding.EncodeToString(key) != parts[5] {
			t.Error("the hash is not that of the password")
		}
	}
	first := hash()
	check(first, h.password)
	spelt := strings.ToUpper(strings.ReplaceAll(h.password, " ", "-"))
	update := Update{Values: field.Values{"phone_password": spelt}, Paths: []string{"phone_password"}}
	customer, err := c.UpdateCustomer(ctx, h.customer, update)
	if err != nil {
		t.Fatal(err)
	}
	if second := hash(); second == first {
		t.Error("the same password has the same hash again: there is no fresh salt")
	} else {
		check(second, h.password)
	}
	if got := customer.Values["phone_password"]; got != "••••" {
		t.Errorf("it shows as %q", got)
	}
}

// TestIndexSecretStaysOutOfText prints it in every way.
func TestIndexSecretStaysOutOfText(t *testing.T) {
	t.Parallel()
	key := bytes.Repeat([]byte("K"), secretSize)
	s := IndexSecret{key: key, index: index{versions: []indexVersion{{1, key}}, writing: 1}}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "within", []any{s})
	text := fmt.Sprintf("%v %+v %#v %s %x %d %q", s, s, s, s, s, s, &s) + log.String()
	if strings.Contains(text, "KKKK") || strings.Contains(text, "4b4b") || strings.Contains(text, "75 75") || strings.Contains(text, "0x4b") {
		t.Errorf("it is in %s", text)
	}
}
