package s3

import (
	"bytes"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/blobstore/blobstoretest"
	"github.com/wertfach/wertfach/internal/testenv"
)

func TestArchiveConformance(t *testing.T) {
	blobstoretest.RunArchive(t, func(t *testing.T) func(*testing.T) blobstore.ArchiveDriver {
		s := archiveSettings(t)
		return func(t *testing.T) blobstore.ArchiveDriver { return mustOpenArchive(t, s) }
	})
}

// archiveSettings are those of a bucket of the test's own, which is not made yet.
func archiveSettings(t testing.TB) ArchiveSettings {
	t.Helper()
	return ArchiveSettings{
		Settings:  settings(t, testenv.SharedMinio(t), "archive-"+strings.ToLower(rand.Text())),
		Retention: time.Hour,
	}
}

func mustOpenArchive(t testing.TB, s ArchiveSettings) *Archive {
	t.Helper()
	a, err := OpenArchive(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// newArchive prepares an archive and gives a client that goes past it, with all
// rights that there are.
func newArchive(t testing.TB, s ArchiveSettings) (*blobstore.Archive, *minio.Client) {
	t.Helper()
	a := blobstore.NewArchive(mustOpenArchive(t, s))
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := a.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := testenv.SharedMinio(t).Client()
	if err != nil {
		t.Fatal(err)
	}
	return a, c
}

func versions(t testing.TB, a *blobstore.Archive) []blobstore.Version {
	t.Helper()
	var all []blobstore.Version
	for v, err := range a.Versions(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

func TestRemovedObjectIsOnlyHidden(t *testing.T) {
	t.Parallel()
	s := archiveSettings(t)
	a, root := newArchive(t, s)
	want := []byte("what happened")
	if err := a.Create(t.Context(), "chain/1", want); err != nil {
		t.Fatal(err)
	}
	if err := a.Create(t.Context(), "chain/2", want); err != nil {
		t.Fatal(err)
	}
	if err := root.RemoveObject(t.Context(), s.Bucket, "chain/1", minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := root.StatObject(t.Context(), s.Bucket, "chain/1", minio.StatObjectOptions{}); err == nil {
		t.Fatal("an ordinary reader still sees it: the test shows nothing")
	}
	all := versions(t, a)
	if len(all) != 2 || !all[0].Hidden || all[0].Name != "chain/1" || all[1].Hidden {
		t.Fatalf("%+v", all)
	}
	if got, err := a.Read(t.Context(), "chain/1", all[0].ID); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%q, %v", got, err)
	}
	// Its name is used, though a conditional PUT alone would take it.
	if err := a.Create(t.Context(), "chain/1", want); !errors.Is(err, blobstore.ErrConflict) {
		t.Fatalf("Create under a hidden name: %v", err)
	}

	// Where somebody goes past this package, the oldest version stays the first.
	for range 2 {
		if _, err := root.PutObject(t.Context(), s.Bucket, "chain/1", strings.NewReader("a lie"), 5, minio.PutObjectOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	all = versions(t, a)
	if len(all) != 4 || !all[0].Hidden || all[1].Hidden || all[2].Hidden {
		t.Fatalf("%+v", all)
	}
	if got, err := a.Read(t.Context(), "chain/1", all[0].ID); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%q, %v", got, err)
	}
	// A delete marker has an id of its own, which is no version.
	for info := range root.ListObjects(t.Context(), s.Bucket, minio.ListObjectsOptions{WithVersions: true, Recursive: true}) {
		if info.IsDeleteMarker {
			if _, err := a.Read(t.Context(), info.Key, info.VersionID); !errors.Is(err, blobstore.ErrNotFound) {
				t.Errorf("Read of a delete marker: %v", err)
			}
		}
	}
}

func TestLockedVersionCannotBeRemoved(t *testing.T) {
	t.Parallel()
	s := archiveSettings(t)
	a, root := newArchive(t, s)
	if err := a.Create(t.Context(), "x", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	v := versions(t, a)[0]
	for _, bypass := range []bool{false, true} {
		err := root.RemoveObject(t.Context(), s.Bucket, "x", minio.RemoveObjectOptions{VersionID: v.ID, GovernanceBypass: bypass})
		if err == nil {
			t.Fatalf("the version was removed, bypass %v", bypass)
		}
	}
	mode, until := minio.Governance, time.Now().Add(time.Minute)
	for _, weaker := range []minio.PutObjectRetentionOptions{
		{Mode: &mode, RetainUntilDate: &until, VersionID: v.ID, GovernanceBypass: true},
		{VersionID: v.ID, GovernanceBypass: true},
	} {
		if err := root.PutObjectRetention(t.Context(), s.Bucket, "x", weaker); err == nil {
			t.Fatal("the lock was weakened")
		}
	}
	if got, err := a.Read(t.Context(), "x", v.ID); err != nil || string(got) != "kept" {
		t.Fatalf("%q, %v", got, err)
	}
}

// The answer to a Create is lost on the way, and the caller tries again.
func TestRepeatedCreateAfterALostAnswer(t *testing.T) {
	t.Parallel()
	s := archiveSettings(t)
	a, _ := newArchive(t, s)
	s.Endpoint = withoutAnswers(t, s.Endpoint, http.MethodPut)
	lossy := blobstore.NewArchive(mustOpenArchive(t, s))
	t.Cleanup(func() { _ = lossy.Close() })
	want := []byte("written once")
	if err := lossy.Create(t.Context(), "x", want); !isUnavailable(err) {
		t.Fatalf("Create whose answer is lost: %v", err)
	}
	if err := lossy.Create(t.Context(), "x", want); !errors.Is(err, blobstore.ErrConflict) {
		t.Fatalf("the repetition: %v", err)
	}
	all := versions(t, a)
	if len(all) != 1 {
		t.Fatalf("%d versions", len(all))
	}
	if got, err := a.Read(t.Context(), "x", all[0].ID); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%q, %v", got, err)
	}
}

// withoutAnswers passes requests on and cuts the connection in place of the
// answer to those of that method.
func withoutAnswers(t *testing.T, endpoint, method string) string {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { // the host stays: it is part of what is signed
			r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
		},
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method == method {
				panic(http.ErrAbortHandler)
			}
			return nil
		},
	})
	t.Cleanup(proxy.Close)
	return proxy.URL
}
