package testenv

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

func TestMinioKeepsDataAndAddressOverRestarts(t *testing.T) {
	t.Parallel()
	ctx, m := t.Context(), NewMinio(t)
	bucket := m.FreshBucket(t)
	if err := m.Bucket(ctx, bucket); err != nil {
		t.Fatalf("making a bucket twice: %v", err)
	}
	c, err := m.Client()
	if err != nil {
		t.Fatal(err)
	}
	want := []byte("kept")
	if _, err := c.PutObject(ctx, bucket, "a/b", bytes.NewReader(want), int64(len(want)), minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	endpoint := m.Endpoint
	if err := m.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := m.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if m.Endpoint != endpoint || endpoint != "http://"+m.Addr(0) {
		t.Fatalf("endpoint changed from %s to %s", endpoint, m.Endpoint)
	}
	o, err := c.GetObject(ctx, bucket, "a/b", minio.GetObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(o); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("after a kill: %q, %v", got, err)
	}
}

func TestMinioPauses(t *testing.T) {
	t.Parallel()
	m := NewMinio(t)
	c, err := m.Client()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Pause(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := c.ListBuckets(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a paused server answered: %v", err)
	}
	if err := m.Resume(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ListBuckets(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestMinioIsSharedWithinABinary(t *testing.T) {
	t.Parallel()
	a, b := SharedMinio(t), SharedMinio(t)
	if a != b {
		t.Fatal("two servers")
	}
	if a.FreshBucket(t) == b.FreshBucket(t) {
		t.Fatal("two tests got the same bucket")
	}
}
