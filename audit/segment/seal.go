package segment

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// Signer signs with the deployment's attest key.
type Signer interface {
	// Sign gives the signature over message and the key that verifies it.
	Sign(ctx context.Context, message []byte) ([]byte, ed25519.PublicKey, error)
	// PublicKeys are all that may verify what was signed.
	PublicKeys(ctx context.Context) ([]ed25519.PublicKey, error)
}

// Keys verify, by their ids.
type Keys map[string]ed25519.PublicKey

// NewKeys gives the keys that a log is verified with.
func NewKeys(list []ed25519.PublicKey) Keys {
	keys := Keys{}
	for _, key := range list {
		if len(key) == ed25519.PublicKeySize {
			keys[KeyID(key)] = key
		}
	}
	return keys
}

// KeyID is how a seal names a key, as a receipt does: the start of the SHA-256 of
// its SubjectPublicKeyInfo (RFC 5280) in hexadecimal.
func KeyID(key ed25519.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:8])
}

// seal is the last line of a sealed file.
type seal struct {
	Hash      string `json:"sha256"`
	Key       string `json:"key"`
	Signature string `json:"signature"`
}

// What a signature is for. It tells segments and heads from each other and from
// whatever else is signed with the key.
const (
	segmentDomain = "wertfach audit segment v1"
	headDomain    = "wertfach audit head v1"

	inventoryDomain = "wertfach audit inventory v1"
)

// statement is what is signed: four lines of text.
func statement(domain, chain string, number int64, hash string) []byte {
	return fmt.Appendf(nil, "%s\n%s\n%d\n%s\n", domain, chain, number, hash)
}

// addSeal adds the seal to the lines of a file.
func addSeal(ctx context.Context, signer Signer, domain, chain string, number int64, body []byte) ([]byte, error) {
	hash := Hash(body)
	message := statement(domain, chain, number, hash)
	sig, key, err := signer.Sign(ctx, message)
	if err != nil {
		return nil, err
	}
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, message, sig) {
		return nil, errors.New("the attest key made a signature that does not verify")
	}
	line, err := json.Marshal(seal{hash, KeyID(key), base64.StdEncoding.EncodeToString(sig)})
	if err != nil {
		return nil, err
	}
	return append(append(body, line...), '\n'), nil
}

// splitSeal parts a file into what was sealed and the seal, which is written in
// one way only.
func splitSeal(file []byte) (body []byte, s seal, err error) {
	whole, ended := bytes.CutSuffix(file, []byte{'\n'})
	if !ended {
		return nil, s, errors.New("it ends in the middle of a line")
	}
	cut := bytes.LastIndexByte(whole, '\n') + 1
	if cut == 0 || json.Unmarshal(whole[cut:], &s) != nil {
		return nil, s, errors.New("it has no seal")
	}
	if again, err := json.Marshal(s); err != nil || !bytes.Equal(again, whole[cut:]) {
		return nil, s, errors.New("its seal is not written as seals are")
	}
	if Hash(file[:cut]) != s.Hash {
		return nil, s, errors.New("its content is not what was sealed")
	}
	return file[:cut], s, nil
}

// ErrKey is a seal by a key that is none of the given ones.
var ErrKey = errors.New("it is signed with none of the given keys")

// verify checks the signature.
func (s seal) verify(keys Keys, domain, chain string, number int64) error {
	key, known := keys[s.Key]
	if !known {
		return ErrKey
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(s.Signature)
	if err != nil || !ed25519.Verify(key, statement(domain, chain, number, s.Hash), sig) {
		return errors.New("its signature does not verify")
	}
	return nil
}

// Hash is the SHA-256 in hexadecimal.
func Hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func validHash(s string) bool {
	sum, err := hex.DecodeString(s)
	return err == nil && len(sum) == sha256.Size && hex.EncodeToString(sum) == s
}
