package audit

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/blobstore/embedded"
	"github.com/wertfach/wertfach/blobstore/s3"
	"github.com/wertfach/wertfach/internal/testenv"
	"github.com/wertfach/wertfach/vault"
	"github.com/wertfach/wertfach/vault/keyring"
)

// TestRealStore writes into a bucket with object lock, whose server is killed and
// comes back, and into which somebody breaks with all its rights.
func TestRealStore(t *testing.T) {
	t.Parallel()
	m := testenv.NewMinio(t)
	const bucket = "audit"
	driver, err := s3.OpenArchive(s3.ArchiveSettings{
		Settings:  s3.Settings{Endpoint: m.Endpoint, Bucket: bucket, AccessKeyFile: m.AccessKeyFile, SecretKeyFile: m.SecretKeyFile},
		Retention: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	archive := blobstore.NewArchive(driver)
	defer archive.Close()
	if err := archive.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.Open(keyring.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	keys := vault.New(ring)
	defer keys.Close()
	if err := keys.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	disk, err := embedded.Open(filepath.Join(t.TempDir(), "spool"))
	if err != nil {
		t.Fatal(err)
	}
	spool := blobstore.New(disk)
	defer spool.Close()

	w := newWorld()
	data := blobstore.New(w.data)
	l := w.open(t, func(c *Config) { c.Spool, c.Archive, c.Signer = spool, archive, SignWith(keys) })
	record(t, l, Spooled, "a")
	record(t, l, Locked, "b")
	if err := m.Kill(); err != nil {
		t.Fatal(err)
	}
	record(t, l, Spooled, "c")
	ctx, cancel := contextWithTimeout(t, 2*time.Second)
	defer cancel()
	if err := l.Record(ctx, event("d"), Locked); !errors.Is(err, ErrUnavailable) {
		t.Errorf("recording while the store is dead: %v", err)
	}
	if err := m.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := keys.Rotate(t.Context(), vault.AttestKey); err != nil {
		t.Fatal(err)
	}
	record(t, l, Locked, "e")
	closeLog(t, l)

	r := &Reader{Segments: archive, Heads: HeadsIn(data), Keys: SignWith(keys).PublicKeys}
	page, err := r.List(t.Context(), Query{From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour), Size: 10})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, e := range page.Events {
		ids = append(ids, e.ID)
	}
	if !slices.Equal(ids, []string{"a", "b", "c", "d", "e"}) {
		t.Errorf("on record are %v", ids)
	}
	verify := func() Report {
		t.Helper()
		report, err := r.Verify(t.Context(), time.Time{}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	report := verify()
	if !report.Intact() || len(report.Chains) != 1 || !report.Chains[0].Closed {
		t.Fatalf("%+v", report)
	}

	root, err := m.Client()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for o := range root.ListObjects(t.Context(), bucket, minio.ListObjectsOptions{Recursive: true}) {
		names = append(names, o.Key)
	}
	if err := root.RemoveObject(t.Context(), bucket, names[0], minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := root.PutObject(t.Context(), bucket, names[1], bytes.NewReader([]byte("x")), 1, minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range verify().Findings {
		got = append(got, string(f.Kind), f.Segment)
	}
	if want := []string{"hidden", names[0], "overwritten", names[1]}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}
