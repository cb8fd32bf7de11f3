package minioadmin_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/wertfach/wertfach/internal/minioadmin"
	"github.com/wertfach/wertfach/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const readsOne = `{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::%s"]}
]}`

func admin(t *testing.T, endpoint, access, secret string) *minioadmin.Client {
	t.Helper()
	dir := t.TempDir()
	c := minioadmin.Config{
		Endpoint: endpoint, AccessKeyFile: filepath.Join(dir, "access"), SecretKeyFile: filepath.Join(dir, "secret"),
	}
	err := errors.Join(os.WriteFile(c.AccessKeyFile, []byte(access+"\n"), 0o600), os.WriteFile(c.SecretKeyFile, []byte(secret+"\n"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	client, err := minioadmin.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestUserMayWhatThePolicySays: all calls, twice, and then with another secret and
// another policy.
func TestUserMayWhatThePolicySays(t *testing.T) {
	t.Parallel()
	ctx, m := t.Context(), testenv.SharedMinio(t)
	c := admin(t, m.Endpoint, m.AccessKey, m.SecretKey)
	bucket, other := m.FreshBucket(t), m.FreshBucket(t)
	lists := func(secret, bucket string) bool {
		t.Helper()
		user, err := minio.New(strings.TrimPrefix(m.Endpoint, "http://"), &minio.Options{
			Creds: credentials.NewStaticV4("reader", secret, ""), Region: testenv.MinioRegion, MaxRetries: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		there, err := user.BucketExists(ctx, bucket)
		return there && err == nil
	}
	for _, round := range []struct{ secret, bucket string }{{"first-secret", bucket}, {"first-secret", bucket}, {"second-secret", other}} {
		for what, err := range map[string]error{
			"policy": c.PutPolicy(ctx, "reads-one", fmt.Appendf(nil, readsOne, round.bucket)),
			"user":   c.PutUser(ctx, "reader", round.secret),
		} {
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
		if err := c.Attach(ctx, "reads-one", "reader"); err != nil {
			t.Fatal(err)
		}
		for _, b := range []string{bucket, other} {
			if got := lists(round.secret, b); got != (b == round.bucket) {
				t.Errorf("lists bucket %d of 2: %t", map[string]int{bucket: 1, other: 2}[b], got)
			}
		}
	}
	if lists("first-secret", other) {
		t.Error("the old secret key is still good")
	}
}

// TestRefusals say why and hold no secret.
func TestRefusals(t *testing.T) {
	t.Parallel()
	ctx, m := t.Context(), testenv.SharedMinio(t)
	root := admin(t, m.Endpoint, m.AccessKey, m.SecretKey)
	const secret = "top-secret"
	for what, test := range map[string]struct {
		err  error
		want string
	}{
		"unknown administrator": {admin(t, m.Endpoint, "nobody", secret).PutUser(ctx, "user", secret), "InvalidAccessKeyId"},
		"wrong secret key":      {admin(t, m.Endpoint, m.AccessKey, secret).PutUser(ctx, "user", secret), "SignatureDoesNotMatch"},
		"broken policy":         {root.PutPolicy(ctx, "broken", []byte(`{"Version": "`+secret+`"}`)), "HTTP 4"},
		"short secret key":      {root.PutUser(ctx, "user", "short"), "HTTP 4"},
		"unknown policy":        {root.Attach(ctx, "no-such-policy", "user"), "HTTP 4"},
		"nobody there":          {admin(t, "http://127.0.0.1:1", m.AccessKey, secret).PutUser(ctx, "user", secret), "refused"},
	} {
		if test.err == nil || !strings.Contains(test.err.Error(), test.want) || strings.Contains(test.err.Error(), secret) {
			t.Errorf("%s: got %v, want %s", what, test.err, test.want)
		}
		if errors.Is(test.err, minioadmin.ErrNotMinIO) {
			t.Errorf("%s: taken for another server", what)
		}
	}
}

// TestOtherServers: what has no such API is told from a MinIO that refuses.
func TestOtherServers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`: true,
		`<html>not found</html>`: true,
		``:                       true,
		`{"Code": "AccessDenied", "Message": "no."}`: false,
	} {
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(body))
		}))
		err := admin(t, other.URL, "access", "secret").PutPolicy(t.Context(), "p", []byte("{}"))
		if err == nil || errors.Is(err, minioadmin.ErrNotMinIO) != want {
			t.Errorf("%q: got %v", body, err)
		}
		other.Close()
	}
}

// TestSettings: a mistake in what the configuration names shows before any call.
func TestSettings(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]minioadmin.Config{
		"no endpoint":      {AccessKeyFile: file, SecretKeyFile: file},
		"no files":         {Endpoint: "https://localhost"},
		"empty file":       {Endpoint: "https://localhost", AccessKeyFile: file, SecretKeyFile: empty},
		"no authority":     {Endpoint: "https://localhost", AccessKeyFile: file, SecretKeyFile: file, CAFile: file},
		"no such CA file":  {Endpoint: "https://localhost", AccessKeyFile: file, SecretKeyFile: file, CAFile: file + ".not"},
		"no such key file": {Endpoint: "https://localhost", AccessKeyFile: file + ".not", SecretKeyFile: file},
	} {
		if _, err := minioadmin.New(c); err == nil {
			t.Errorf("%s: taken", what)
		}
	}
}
