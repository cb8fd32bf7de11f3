// Package floor makes the least calls to Vault and to the object store that
// each operation of the product needs, and nothing else: no server, no TLS, no
// checks, no sealing. What the product is measured against is this, at the same
// concurrency and on the same servers.
//
// The calls go through HashiCorp's and MinIO's own Go libraries, set up as cheap
// as they can be: connections enough for every worker, bodies left out of the
// signature, no retries. A slow floor would flatter the product.
//
// Keys and objects are as many and as large as the product's, so that neither
// Vault's nor MinIO's caches favour one of the two.
package floor

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Config says where the servers are.
type Config struct {
	VaultAddress, VaultToken, Mount         string
	S3Address, AccessKey, SecretKey, Region string // S3Address is host:port
	// Bucket is the floors' own, ProductBucket the product's.
	Bucket, ProductBucket string
	Workers               int // how many call at once at most
}

// Floor makes the calls. It is safe for concurrent use.
type Floor struct {
	vault  *api.Logical
	mount  string
	s3     *minio.Core
	bucket string
	// products is the bucket of the product, which is only looked at.
	products string
}

// New makes the two clients. It calls nothing.
func New(c Config) (*Floor, error) {
	vault, err := api.NewClient(&api.Config{
		Address:    c.VaultAddress,
		HttpClient: &http.Client{Transport: transport(c.Workers)},
		Timeout:    time.Minute,
	})
	if err != nil {
		return nil, fmt.Errorf("floor: client of vault: %w", err)
	}
	vault.SetToken(c.VaultToken)
	s3, err := minio.NewCore(c.S3Address, &minio.Options{
		Creds:      credentials.NewStaticV4(c.AccessKey, c.SecretKey, ""),
		Region:     c.Region,
		Transport:  transport(c.Workers),
		MaxRetries: 1,
	})
	if err != nil {
		return nil, fmt.Errorf("floor: client of the object store: %w", err)
	}
	return &Floor{vault: vault.Logical(), mount: c.Mount, s3: s3, bucket: c.Bucket, products: c.ProductBucket}, nil
}

// transport keeps a connection for each worker.
func transport(workers int) *http.Transport {
	return &http.Transport{MaxIdleConns: 2 * workers, MaxIdleConnsPerHost: 2 * workers, DisableCompression: true}
}

// compartment is the context that all keys are derived in.
var compartment = base64.StdEncoding.EncodeToString([]byte("dossier"))

// dataKey is what is wrapped: as long as a real data key. Which one it is makes
// no difference to Vault.
var dataKey = base64.StdEncoding.EncodeToString(make([]byte, 32))

// write calls transit and gives a text from the answer, where one is named.
func (f *Floor) write(ctx context.Context, path string, in map[string]any, field string) (string, error) {
	secret, err := f.vault.WriteWithContext(ctx, f.mount+"/"+path, in)
	if err != nil || field == "" {
		return "", err
	}
	if secret != nil {
		if text, ok := secret.Data[field].(string); ok {
			return text, nil
		}
	}
	return "", errors.New("floor: no " + field + " in vault's answer")
}

// CreateKey makes a key and wraps a first data key under it, in one call.
func (f *Floor) CreateKey(ctx context.Context, key string) (wrapped string, err error) {
	return f.write(ctx, "encrypt/"+key, map[string]any{
		"type": "aes256-gcm96", "plaintext": dataKey, "context": compartment,
	}, "ciphertext")
}

// Decrypt unwraps a data key.
func (f *Floor) Decrypt(ctx context.Context, key, wrapped string) error {
	_, err := f.write(ctx, "decrypt/"+key, map[string]any{"ciphertext": wrapped, "context": compartment}, "plaintext")
	return err
}

// NewDataKey has Vault make a data key under a key that exists.
func (f *Floor) NewDataKey(ctx context.Context, key string) error {
	_, err := f.write(ctx, "datakey/plaintext/"+key, map[string]any{"context": compartment}, "ciphertext")
	return err
}

// DestroyKey allows a key's deletion and deletes it: transit wants both.
func (f *Floor) DestroyKey(ctx context.Context, key string) error {
	if _, err := f.write(ctx, "keys/"+key+"/config", map[string]any{"deletion_allowed": true}, ""); err != nil {
		return err
	}
	_, err := f.vault.DeleteWithContext(ctx, f.mount+"/keys/"+key)
	return err
}

// Sign signs with the deployment's attesting key.
func (f *Floor) Sign(ctx context.Context, message []byte) error {
	_, err := f.write(ctx, "sign/attest", map[string]any{"input": base64.StdEncoding.EncodeToString(message)}, "signature")
	return err
}

// Put stores an object.
func (f *Floor) Put(ctx context.Context, name string, content []byte) error {
	_, err := f.s3.PutObject(ctx, f.bucket, name, bytes.NewReader(content), int64(len(content)), "", "",
		minio.PutObjectOptions{DisableContentSha256: true})
	return err
}

// Get reads the whole of an object into the buffer and gives what is there. The
// buffer must have room for it.
func (f *Floor) Get(ctx context.Context, name string, buffer []byte) ([]byte, error) {
	body, info, _, err := f.s3.GetObject(ctx, f.bucket, name, minio.GetObjectOptions{})
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if info.Size > int64(len(buffer)) {
		return nil, errors.New("floor: an object is larger than expected")
	}
	n, err := io.ReadFull(body, buffer[:info.Size])
	return buffer[:n], err
}

// Drain reads an object and throws it away, as large ones need no place.
func (f *Floor) Drain(ctx context.Context, name string, size int64, buffer []byte) error {
	body, _, _, err := f.s3.GetObject(ctx, f.bucket, name, minio.GetObjectOptions{})
	if err != nil {
		return err
	}
	defer body.Close()
	var read int64
	for {
		n, err := body.Read(buffer)
		read += int64(n)
		switch {
		case err == io.EOF && read == size:
			return nil
		case err == io.EOF:
			return errors.New("floor: an object has not the size expected")
		case err != nil:
			return err
		}
	}
}

// Delete removes an object.
func (f *Floor) Delete(ctx context.Context, name string) error {
	return f.s3.RemoveObject(ctx, f.bucket, name, minio.RemoveObjectOptions{})
}

// Size gives the size in bytes of an object of the product whose name begins so.
func (f *Floor) Size(ctx context.Context, prefix string) (int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // the rest of the list is not wanted
	for info := range f.s3.ListObjectsIter(ctx, f.products, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		return info.Size, info.Err
	}
	return 0, errors.New("floor: no object under " + strings.TrimSuffix(prefix, "/"))
}
