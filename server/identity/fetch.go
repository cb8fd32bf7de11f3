package identity

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const (
	// maxDocument bounds what an issuer may answer, in bytes.
	maxDocument = 1 << 20
	// minModulus is the size of the smallest RSA key that is trusted, in bits (NIST
	// SP 800-131A).
	minModulus = 2048
	// discovery is where an issuer says where its keys are (OpenID Connect
	// Discovery 1.0, section 4).
	discovery = "/.well-known/openid-configuration"
)

// source is where the keys of an issuer come from.
type source struct{ issuer, jwksURL, caFile string }

// fetch gets the keys. It makes its connection anew, so that a renewed CA file
// counts; it is rarely called.
func (s source) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	at := s.jwksURL
	if at == "" {
		if at, err = s.discover(ctx, client); err != nil {
			return nil, fmt.Errorf("discovery: %w", err)
		}
	}
	var document struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := get(ctx, client, at, &document); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	set := usable(document.Keys)
	if len(set) == 0 {
		return nil, errors.New("keys: there is none that signs")
	}
	return set, nil
}

// discover asks the issuer where its keys are.
func (s source) discover(ctx context.Context, client *http.Client) (string, error) {
	var says struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := get(ctx, client, strings.TrimSuffix(s.issuer, "/")+discovery, &says); err != nil {
		return "", err
	}
	if says.Issuer != s.issuer {
		return "", errors.New("the issuer calls itself by another URL")
	}
	if u, err := url.Parse(says.Keys); err != nil || u.Host == "" || !secure(u) {
		return "", errors.New("the issuer's jwks_uri is not https")
	}
	return says.Keys, nil
}

// usable are the public keys that signatures can be checked with. What else
// there is, such as keys of a kind that is not known yet, does no harm.
func usable(raw []json.RawMessage) []jose.JSONWebKey {
	var set []jose.JSONWebKey
	for _, text := range raw {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(text) != nil || !key.Valid() || !key.IsPublic() || key.Use != "" && key.Use != "sig" {
			continue
		}
		if weak, isRSA := key.Key.(*rsa.PublicKey); isRSA && weak.N.BitLen() < minModulus {
			continue
		}
		set = append(set, key)
	}
	return set
}

// client is for one fetch.
func (s source) client() (*http.Client, error) {
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.caFile != "" {
		pem, err := os.ReadFile(s.caFile)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		secure.RootCAs = x509.NewCertPool()
		if !secure.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("ca_file: no certificate in it")
		}
	}
	return &http.Client{
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: secure, ForceAttemptHTTP2: true},
		// Whoever could redirect us could give us keys.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// get reads a JSON document. Its errors say nothing of what it holds.
func get(ctx context.Context, client *http.Client, at string, document any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the issuer answered with status %d", answer.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxDocument+1))
	if err != nil {
		return err
	}
	if len(text) > maxDocument || json.Unmarshal(text, document) != nil {
		return errors.New("the issuer's answer is not the JSON that was asked for")
	}
	return nil
}
