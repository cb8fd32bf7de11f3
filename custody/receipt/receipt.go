// Package receipt is the evidence of an erasure: a statement of what was
// destroyed, signed so that anybody with the public key can check it without
// the server.
//
// The file is a DSSE envelope (Dead Simple Signing Envelope, version 1) around
// the statement in JSON. What is signed is DSSE's pre-authentication encoding
// of type and statement, with ed25519 (RFC 8032).
package receipt

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// PayloadType tells a receipt from whatever else may be signed with the key.
const PayloadType = "application/vnd.wertfach.erasure-receipt.v1+json"

// ErrInvalid is a file that is no receipt, or whose signature no given key
// verifies.
var ErrInvalid = errors.New("the receipt does not verify")

// Statement says what an erasure destroyed, never whose it was in clear.
type Statement struct {
	// Receipt is the receipt's name in the API.
	Receipt string `json:"receipt"`
	// KeyName and KeyVersion are the destroyed key's name in Vault and the last
	// version that it had; earlier ones went with it.
	KeyName    string `json:"key_name"`
	KeyVersion int    `json:"key_version"`
	// Destroyed counts the destroyed objects by kind.
	Destroyed map[string]int `json:"destroyed"`
	// Policy is how it came to be erased, "on-request" or "retention"; Basis the
	// legal basis, and Reason why, in somebody's words.
	Policy string `json:"policy"`
	Basis  string `json:"basis,omitempty"`
	Reason string `json:"reason"`
	// RequestedBy and ConfirmedBy are the two privacy officers of an erasure on
	// request, as the audit log names people, and Confirmation why it was confirmed.
	RequestedBy  string `json:"requested_by,omitempty"`
	ConfirmedBy  string `json:"confirmed_by,omitempty"`
	Confirmation string `json:"confirmation,omitempty"`
	// Request is a keyed hash of the request that asked for it, by which the
	// server knows the request again; empty where it had no id.
	Request string `json:"request,omitempty"`
	// Requested is when the erasure was asked for or, by rule, began; KeyDestroyed when nothing opened any
	// more, Completed when the last object was gone. All in UTC.
	Requested    time.Time `json:"requested_time"`
	KeyDestroyed time.Time `json:"key_destroyed_time"`
	Completed    time.Time `json:"completed_time"`
}

// Signer signs with the deployment's attest key.
type Signer interface {
	// SignReceipt gives the signature over message and the key that verifies it.
	SignReceipt(ctx context.Context, message []byte) ([]byte, ed25519.PublicKey, error)
}

type envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     []byte      `json:"payload"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"`
	Sig   []byte `json:"sig"`
}

// Sign makes the envelope.
func Sign(ctx context.Context, signer Signer, s Statement) ([]byte, error) {
	payload, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	sig, key, err := signer.SignReceipt(ctx, encode(payload))
	if err != nil {
		return nil, err
	}
	if !ed25519.Verify(key, encode(payload), sig) {
		return nil, errors.New("the attest key made a signature that does not verify")
	}
	return json.MarshalIndent(envelope{
		PayloadType: PayloadType,
		Payload:     payload,
		Signatures:  []signature{{KeyID: KeyID(key), Sig: sig}},
	}, "", "  ")
}

// Read gives the statement in an envelope without checking its signature: for
// what the own store gives back. To trust a file, Verify it.
func Read(file []byte) (Statement, error) {
	_, s, err := read(file)
	return s, err
}

// Verify checks an envelope against the public keys and gives its statement.
// The error is ErrInvalid with a reason.
func Verify(file []byte, keys []ed25519.PublicKey) (Statement, error) {
	e, s, err := read(file)
	if err != nil {
		return Statement{}, err
	}
	for _, sig := range e.Signatures {
		for _, key := range keys {
			if len(key) == ed25519.PublicKeySize && ed25519.Verify(key, encode(e.Payload), sig.Sig) {
				return s, nil
			}
		}
	}
	return Statement{}, fmt.Errorf("%w: no signature by any of the %d given keys", ErrInvalid, len(keys))
}

func read(file []byte) (envelope, Statement, error) {
	var e envelope
	var s Statement
	if err := json.Unmarshal(file, &e); err != nil {
		return e, s, fmt.Errorf("%w: it is no JSON of a signed envelope", ErrInvalid)
	}
	if e.PayloadType != PayloadType {
		return e, s, fmt.Errorf("%w: it is no erasure receipt of a known version", ErrInvalid)
	}
	if err := json.Unmarshal(e.Payload, &s); err != nil {
		return e, s, fmt.Errorf("%w: its statement can't be read", ErrInvalid)
	}
	return e, s, nil
}

// encode is DSSE's pre-authentication encoding.
func encode(payload []byte) []byte {
	head := "DSSEv1 " + strconv.Itoa(len(PayloadType)) + " " + PayloadType + " " + strconv.Itoa(len(payload)) + " "
	return append([]byte(head), payload...)
}

// KeyID is how an envelope names a key: the start of the SHA-256 of its
// SubjectPublicKeyInfo (RFC 5280) in hexadecimal.
func KeyID(key ed25519.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:8])
}

// MarshalKeys writes public keys as PEM, a block for each.
func MarshalKeys(keys []ed25519.PublicKey) ([]byte, error) {
	var out []byte
	for _, key := range keys {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			return nil, err
		}
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})...)
	}
	return out, nil
}

// ParseKeys reads the public keys of a PEM file. It refuses a file with none.
func ParseKeys(file []byte) ([]ed25519.PublicKey, error) {
	var keys []ed25519.PublicKey
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		key, ok := parsed.(ed25519.PublicKey)
		if err != nil || !ok {
			return nil, errors.New("the key file holds something that is no ed25519 public key")
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("the key file holds no public key in PEM")
	}
	return keys, nil
}
