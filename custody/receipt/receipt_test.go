package receipt

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
)

// signer signs with a key of its own. Its seed is fixed: a test's receipts are
// the same at each run.
type signer struct {
	key    ed25519.PrivateKey
	spoilt bool
	err    error
}

func newSigner(seed byte) signer {
	return signer{key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))}
}

func (s signer) public() ed25519.PublicKey { return s.key.Public().(ed25519.PublicKey) }

func (s signer) SignReceipt(_ context.Context, message []byte) ([]byte, ed25519.PublicKey, error) {
	sig := ed25519.Sign(s.key, message)
	if s.spoilt {
		sig[0] ^= 1
	}
	return sig, s.public(), s.err
}

func statement() Statement {
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	return Statement{
		Receipt: "institutes/musterbank/receipts/abc-def", KeyName: "musterbank-abc-def", KeyVersion: 2,
		Destroyed: map[string]int{"dossier": 1, "scan": 3}, Policy: "on-request", Reason: "asked for it", Request: "x",
		Requested: at, KeyDestroyed: at.Add(time.Second), Completed: at.Add(2 * time.Second),
	}
}

func same(a, b Statement) bool {
	counts := maps.Equal(a.Destroyed, b.Destroyed)
	a.Destroyed, b.Destroyed = nil, nil
	return counts && fmt.Sprint(a) == fmt.Sprint(b)
}

func signed(t testing.TB, s signer) []byte {
	t.Helper()
	file, err := Sign(t.Context(), s, statement())
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	one, two, three := newSigner(1), newSigner(2), newSigner(3)
	file := signed(t, one)
	for name, keys := range map[string][]ed25519.PublicKey{
		"the key": {one.public()}, "among others": {two.public(), one.public(), three.public()},
	} {
		if got, err := Verify(file, keys); err != nil || !same(got, statement()) {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
	if got, err := Read(file); err != nil || !same(got, statement()) {
		t.Errorf("read: %v, %+v", err, got)
	}
	for name, keys := range map[string][]ed25519.PublicKey{
		"no key": nil, "another key": {two.public()}, "a short key": {one.public()[:31]}, "an empty key": {nil},
	} {
		if got, err := Verify(file, keys); !errors.Is(err, ErrInvalid) || !same(got, Statement{}) {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
}

// TestEnvelopeIsDSSE makes the signed bytes by the specification's own words and
// verifies what lies in the file with nothing of this package.
func TestEnvelopeIsDSSE(t *testing.T) {
	t.Parallel()
	pae := func(kind string, body []byte) string {
		return fmt.Sprintf("DSSEv1 %d %s %d %s", len(kind), kind, len(body), body)
	}
	// The specification's test vector (protocol.md, "Test Vectors").
	if got := pae("http://example.com/HelloWorld", []byte("hello world")); got != "DSSEv1 29 http://example.com/HelloWorld 11 hello world" {
		t.Fatalf("the test's own encoding is wrong: %s", got)
	}
	var file struct {
		PayloadType string
		Payload     string
		Signatures  []struct{ Keyid, Sig string }
	}
	s := newSigner(4)
	if err := json.Unmarshal(signed(t, s), &file); err != nil {
		t.Fatal(err)
	}
	payload, err := base64.StdEncoding.DecodeString(file.Payload)
	if err != nil {
		t.Fatal(err)
	}
	if file.PayloadType != "application/vnd.wertfach.erasure-receipt.v1+json" || len(file.Signatures) != 1 {
		t.Fatalf("%+v", file)
	}
	sig, err := base64.StdEncoding.DecodeString(file.Signatures[0].Sig)
	if err != nil || !ed25519.Verify(s.public(), []byte(pae(file.PayloadType, payload)), sig) {
		t.Errorf("%v: the signature is not over DSSE's encoding", err)
	}
	der, err := x509.MarshalPKIXPublicKey(s.public())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	if want := hex.EncodeToString(sum[:8]); file.Signatures[0].Keyid != want || KeyID(s.public()) != want {
		t.Errorf("key id %s, want %s", file.Signatures[0].Keyid, want)
	}
	for _, field := range []string{"receipt", "key_name", "key_version", "destroyed", "policy", "reason", "requested_time", "key_destroyed_time", "completed_time"} {
		if !strings.Contains(string(payload), `"`+field+`":`) {
			t.Errorf("the statement has no %s", field)
		}
	}
}

// TestTampered changes every byte of a file in several ways. What then still
// verifies says the same.
func TestTampered(t *testing.T) {
	t.Parallel()
	s := newSigner(5)
	keys := []ed25519.PublicKey{s.public()}
	file := signed(t, s)
	refused := 0
	for i := range file {
		for _, mask := range []byte{1, 2, 4, 8, 16, 32, 64, 128} {
			changed := bytes.Clone(file)
			changed[i] ^= mask
			got, err := Verify(changed, keys)
			if err != nil {
				refused++
			} else if !same(got, statement()) {
				t.Errorf("byte %d, mask %d: verifies and says %+v", i, mask, got)
			}
		}
		if _, err := Verify(file[:i], keys); !errors.Is(err, ErrInvalid) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	if refused < len(file)*4 {
		t.Errorf("only %d changes of %d were refused", refused, len(file)*8)
	}
	for name, text := range map[string]string{
		"nothing": "", "null": "null", "a list": "[]", "a number": "1", "an empty object": "{}", "trailing": string(file) + "{}",
		"another type": strings.Replace(string(file), ".v1+json", ".v2+json", 1), "no signatures": `{"payloadType":"` + PayloadType + `","payload":"e30="}`,
	} {
		if _, err := Verify([]byte(text), keys); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSignIsRefused does not hand out what would not verify.
func TestSignIsRefused(t *testing.T) {
	t.Parallel()
	spoilt, broken := newSigner(6), newSigner(6)
	spoilt.spoilt, broken.err = true, errors.New("sealed")
	if file, err := Sign(t.Context(), spoilt, statement()); err == nil || file != nil {
		t.Errorf("a wrong signature: %v", err)
	}
	if file, err := Sign(t.Context(), broken, statement()); !errors.Is(err, broken.err) || file != nil {
		t.Errorf("a signer that fails: %v", err)
	}
}

func TestKeyFiles(t *testing.T) {
	t.Parallel()
	want := []ed25519.PublicKey{newSigner(7).public(), newSigner(8).public()}
	file, err := MarshalKeys(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseKeys(append([]byte("a comment\n"), file...))
	if err != nil || len(got) != 2 || !got[0].Equal(want[0]) || !got[1].Equal(want[1]) {
		t.Errorf("%v, %x", err, got)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&other.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	foreign := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	for name, text := range map[string][]byte{
		"nothing": nil, "no PEM": []byte("ssh-ed25519 AAAA"), "another sort of key": foreign,
		"one of another sort": append(bytes.Clone(file), foreign...),
		"rubbish in PEM":      pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")}),
		"a certificate":       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}),
	} {
		if keys, err := ParseKeys(text); err == nil {
			t.Errorf("%s: read %d keys", name, len(keys))
		}
	}
}

// FuzzVerify finds nothing but the signed statement to verify.
func FuzzVerify(f *testing.F) {
	s := newSigner(9)
	file, err := Sign(context.Background(), s, statement())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add([]byte(`{"payloadType":"` + PayloadType + `","payload":"e30=","signatures":[{"keyid":"","sig":""}]}`))
	f.Add([]byte(`{}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := Verify(file, []ed25519.PublicKey{s.public()})
		if err == nil && !same(got, statement()) {
			t.Errorf("verifies and says %+v", got)
		}
		if _, readErr := Read(file); err == nil && readErr != nil {
			t.Errorf("verifies and can't be read: %v", readErr)
		}
	})
}
