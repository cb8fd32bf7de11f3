// Package minioadmin tells a MinIO server which policies and users there are. It
// is what `wertfach init` needs of MinIO's administration API and no more: three
// calls, each of which may be repeated.
//
//	c, err := minioadmin.New(minioadmin.Config{Endpoint: …, AccessKeyFile: …, SecretKeyFile: …})
//	err = c.PutPolicy(ctx, "wertfach-server", policy)
//	err = c.PutUser(ctx, "wertfach-server", secret)
//	err = c.Attach(ctx, "wertfach-server", "wertfach-server")
//
// MinIO's own library for it is under the AGPL, and brings 15 modules into the
// program. Other S3 servers have no such API: there [ErrNotMinIO] says so.
package minioadmin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7/pkg/signer"
)

// ErrNotMinIO is a server that does not have the administration API.
var ErrNotMinIO = errors.New("the S3 server has no administration API of MinIO")

// Config says where the server is and who we are there.
type Config struct {
	// Endpoint is its URL, https://host:port, as in the checked configuration.
	Endpoint string
	// Region is the server's; us-east-1 where empty.
	Region string
	// CAFile holds the authorities, PEM, that the server's certificate may come
	// from; those of the system where empty.
	CAFile string
	// AccessKeyFile and SecretKeyFile hold the credentials of an administrator.
	AccessKeyFile, SecretKeyFile string
}

// Client talks to one server.
type Client struct {
	base           *url.URL
	region         string
	access, secret string
	http           *http.Client
}

const (
	timeout   = 30 * time.Second
	maxAnswer = 64 << 10
)

// New reads the files and does not talk to the server.
func New(c Config) (*Client, error) {
	base, err := url.Parse(c.Endpoint)
	if err != nil || base.Host == "" {
		return nil, errors.New("minioadmin: the endpoint is no URL")
	}
	client := &Client{base: base, region: c.Region}
	if client.region == "" {
		client.region = "us-east-1"
	}
	for file, key := range map[string]*string{c.AccessKeyFile: &client.access, c.SecretKeyFile: &client.secret} {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("minioadmin: %w", err)
		}
		if *key = strings.TrimSpace(string(content)); *key == "" {
			return nil, fmt.Errorf("minioadmin: file %s holds no key", file)
		}
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true, // for a few calls
	}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("minioadmin: %w", err)
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("minioadmin: file %s holds no PEM certificate", c.CAFile)
		}
	}
	client.http = &http.Client{
		Transport:     transport,
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client, nil
}

// PutPolicy makes the policy, a JSON document, or replaces it.
func (c *Client) PutPolicy(ctx context.Context, name string, policy []byte) error {
	return c.call(ctx, http.MethodPut, "add-canned-policy", url.Values{"name": {name}}, policy)
}

// PutUser makes the user, or gives the one that is there this secret key. MinIO
// wants 8 to 40 characters in it.
func (c *Client) PutUser(ctx context.Context, accessKey, secretKey string) error {
	body, err := c.sealed(map[string]any{"secretKey": secretKey, "status": "enabled"})
	if err != nil {
		return err
	}
	return c.call(ctx, http.MethodPut, "add-user", url.Values{"accessKey": {accessKey}}, body)
}

// Attach gives the user what the policy allows, beside what others may allow.
func (c *Client) Attach(ctx context.Context, policy, user string) error {
	body, err := c.sealed(map[string]any{"policies": []string{policy}, "user": user})
	if err != nil {
		return err
	}
	err = c.call(ctx, http.MethodPost, "idp/builtin/policy/attach", nil, body)
	var said *refusal
	if errors.As(err, &said) && said.code == "XMinioAdminPolicyChangeAlreadyApplied" {
		return nil
	}
	return err
}

// sealed is the body of a call that holds secrets.
func (c *Client) sealed(v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return encrypt(c.secret, plain)
}

func (c *Client) call(ctx context.Context, method, path string, query url.Values, body []byte) error {
	u := *c.base
	u.Path, u.RawQuery = "/minio/admin/v3/"+path, query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return errors.New("minioadmin: the endpoint is no URL")
	}
	hash := sha256.Sum256(body)
	req.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(hash[:]))
	req.Header.Set("Content-Type", "application/octet-stream")
	answer, err := c.http.Do(signer.SignV4(*req, c.access, c.secret, "", c.region))
	if err != nil {
		var about *url.Error
		if errors.As(err, &about) {
			err = about.Err
		}
		return fmt.Errorf("minioadmin: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode < http.StatusMultipleChoices {
		return nil
	}
	return refused(answer)
}

// refusal is an answer with an error status.
type refusal struct {
	status int
	code   string
}

// Error names the code that MinIO gave.
func (r *refusal) Error() string {
	return fmt.Sprintf("minioadmin: the server answered %s (HTTP %d)", r.code, r.status)
}

func refused(answer *http.Response) error {
	var said struct{ Code string }
	err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(&said)
	if err != nil || said.Code == "" {
		if answer.StatusCode < http.StatusInternalServerError {
			return ErrNotMinIO // whose errors are JSON here
		}
		said.Code = "no reason"
	}
	return &refusal{answer.StatusCode, said.Code}
}
