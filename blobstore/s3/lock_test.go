package s3

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/internal/testenv"
)

func TestRetentionIsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]minio.RetentionMode{"": minio.Compliance, "compliance": minio.Compliance, "governance": minio.Governance} {
		s := archiveSettings(t)
		s.Mode, s.Retention = mode, 25*time.Hour
		a, root := newArchive(t, s)
		before := time.Now()
		if err := a.Create(t.Context(), "x", nil); err != nil {
			t.Fatal(err)
		}
		got, until, err := root.GetObjectRetention(t.Context(), s.Bucket, "x", "")
		if err != nil {
			t.Fatal(err)
		}
		earliest := before.Add(s.Retention).Truncate(time.Second)
		if *got != want || until.Before(earliest) || until.After(time.Now().Add(s.Retention+time.Second)) {
			t.Errorf("%s until %v", *got, until)
		}
		_, lock, days, unit, err := root.GetObjectLockConfig(t.Context(), s.Bucket)
		if err != nil || *lock != want || *days != 2 || *unit != minio.Days {
			t.Errorf("default: %v %v %v, %v", lock, days, unit, err)
		}
	}
}

func TestPrepareNeverWeakensTheBucketsDefault(t *testing.T) {
	t.Parallel()
	type lock struct {
		mode minio.RetentionMode
		days uint
	}
	for _, c := range []struct{ has, asked, want lock }{
		{lock{minio.Governance, 1}, lock{minio.Compliance, 3}, lock{minio.Compliance, 3}},
		{lock{minio.Governance, 9}, lock{minio.Compliance, 3}, lock{minio.Compliance, 9}},
		{lock{minio.Compliance, 9}, lock{minio.Compliance, 3}, lock{minio.Compliance, 9}},
		{lock{minio.Compliance, 9}, lock{minio.Governance, 3}, lock{minio.Compliance, 9}},
		{lock{minio.Compliance, 3}, lock{minio.Governance, 9}, lock{minio.Compliance, 9}},
	} {
		s := archiveSettings(t)
		s.Retention, s.Mode = time.Duration(c.asked.days)*24*time.Hour, strings.ToLower(c.asked.mode.String())
		a, root := newArchive(t, s)
		unit := minio.Days
		if err := root.SetObjectLockConfig(t.Context(), s.Bucket, &c.has.mode, &c.has.days, &unit); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := a.Prepare(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, mode, days, _, err := root.GetObjectLockConfig(t.Context(), s.Bucket)
			if err != nil || (lock{*mode, *days}) != c.want {
				t.Errorf("%+v became %v %v, %v", c, *mode, *days, err)
			}
		}
	}
}

func TestPrepareRefusesABucketWithoutLock(t *testing.T) {
	t.Parallel()
	m := testenv.SharedMinio(t)
	c, err := m.Client()
	if err != nil {
		t.Fatal(err)
	}
	s := archiveSettings(t)
	s.Bucket = m.FreshBucket(t)
	a := blobstore.NewArchive(mustOpenArchive(t, s))
	if err := a.Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), "no versions") {
		t.Fatalf("Prepare of a plain bucket: %v", err)
	}
	if err := c.EnableVersioning(t.Context(), s.Bucket); err != nil {
		t.Fatal(err)
	}
	if err := a.Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), "no object lock") {
		t.Fatalf("Prepare of a bucket that only keeps versions: %v", err)
	}
	// Even so, nothing would be taken for locked that is not.
	if err := a.Create(t.Context(), "x", nil); err == nil {
		t.Fatal("Create in a bucket without lock")
	}
}

func TestArchiveSettings(t *testing.T) {
	t.Parallel()
	good := archiveSettings(t)
	for name, spoil := range map[string]func(*ArchiveSettings){
		"no retention":        func(s *ArchiveSettings) { s.Retention = 0 },
		"a negative one":      func(s *ArchiveSettings) { s.Retention = -time.Hour },
		"one beyond a life":   func(s *ArchiveSettings) { s.Retention = maxRetention + 1 },
		"an unknown mode":     func(s *ArchiveSettings) { s.Mode = "COMPLIANCE" },
		"no bucket":           func(s *ArchiveSettings) { s.Bucket = "" },
		"no file for the key": func(s *ArchiveSettings) { s.SecretKeyFile = os.DevNull },
	} {
		s := good
		spoil(&s)
		if _, err := OpenArchive(s); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
