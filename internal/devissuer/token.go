package devissuer

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/wertfach/wertfach/internal/atomicfile"
)

// claims are what a token says (OpenID Connect Core 1.0, section 2).
type claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience string   `json:"aud"`
	IssuedAt int64    `json:"iat"`
	Expiry   int64    `json:"exp"`
	Groups   []string `json:"groups"`
}

// Token gives a token of that person, for [Lifetime] from now on.
func (i *Issuer) Token(p Person, now time.Time) (string, error) {
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", i.keyID())
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: i.key}, options)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims{
		Issuer: i.url, Subject: p.Name, Audience: Audience,
		IssuedAt: now.Unix(), Expiry: now.Add(Lifetime).Unix(), Groups: p.Groups,
	})
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// TokenFile is the file of a person's token in a folder.
func TokenFile(dir, person string) string { return filepath.Join(dir, person+".token") }

// Renew writes the tokens of all people to a folder, readable by their owner
// only, save those that are good for half of [Lifetime] yet.
func (i *Issuer) Renew(dir string, now time.Time) error {
	for _, p := range People() {
		file := TokenFile(dir, p.Name)
		if i.good(file, p, now) {
			continue
		}
		token, err := i.Token(p, now)
		if err == nil {
			err = atomicfile.Write(file, []byte(token+"\n"), 0o600)
		}
		if err != nil {
			return fmt.Errorf("issuer: token of %s: %w", p.Name, err)
		}
	}
	return nil
}

// good says whether a file holds a token of that person that lasts.
func (i *Issuer) good(file string, p Person, now time.Time) bool {
	text, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	parsed, err := jose.ParseSignedCompact(string(bytes.TrimSpace(text)), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return false
	}
	payload, err := parsed.Verify(i.key.Public())
	var says claims
	if err != nil || json.Unmarshal(payload, &says) != nil {
		return false
	}
	return says.Issuer == i.url && says.Subject == p.Name && says.Audience == Audience && slices.Equal(says.Groups, p.Groups) &&
		!time.Unix(says.IssuedAt, 0).After(now) && time.Unix(says.Expiry, 0).After(now.Add(Lifetime/2))
}

// keyID names the key by what it is: its thumbprint (RFC 7638).
func (i *Issuer) keyID() string {
	sum, err := (&jose.JSONWebKey{Key: i.key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "dev" // there is only one key
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

const keyType = "PRIVATE KEY"

// openKey reads the key, or makes one where there is none that can be used.
func openKey(file string) (*ecdsa.PrivateKey, error) {
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if block, _ := pem.Decode(text); block != nil && block.Type == keyType {
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if own, isECDSA := key.(*ecdsa.PrivateKey); isECDSA && own.Curve == elliptic.P256() {
				return own, nil
			}
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, atomicfile.Write(file, pem.EncodeToMemory(&pem.Block{Type: keyType, Bytes: der}), 0o600)
}
