package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/internal/testenv"
)

func TestServerGoneAndBack(t *testing.T) {
	t.Parallel()
	m := testenv.NewMinio(t)
	s := blobstore.New(openBucket(t, m))
	want := []byte("kept over a crash")
	if _, err := s.Put(t.Context(), "kept", want, blobstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := m.Kill(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		for call, do := range everyCall(s, "x/y") {
			err := do(ctx)
			if !isUnavailable(err) {
				t.Errorf("%s: %v", call, err)
			} else if strings.Contains(err.Error(), "x/y") {
				t.Errorf("%s: the error tells the name: %v", call, err)
			}
		}
		cancel()
		if err := m.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, _, err := s.Get(t.Context(), "kept")
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("after the restart: %q, %v", got, err)
		}
		if _, err := s.Stat(t.Context(), "x/y"); !errors.Is(err, blobstore.ErrNotFound) {
			t.Fatalf("a failed call left something: %v", err)
		}
	}
}

func TestServerDiesDuringAnUpload(t *testing.T) {
	t.Parallel()
	m := testenv.NewMinio(t)
	s := blobstore.New(openBucket(t, m))
	const size = 32 << 20
	dying := &trigger{r: io.LimitReader(zeros{}, size), at: size / 2, do: func() {
		if err := m.Kill(); err != nil {
			t.Error(err)
		}
	}}
	if _, err := s.PutStream(t.Context(), "x/y", dying, size, blobstore.Condition{}); !isUnavailable(err) {
		t.Fatalf("PutStream: %v", err)
	}
	if err := m.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stat(t.Context(), "x/y"); !errors.Is(err, blobstore.ErrNotFound) {
		t.Fatalf("half an upload left something: %v", err)
	}
}

func TestServerDiesDuringADownload(t *testing.T) {
	t.Parallel()
	m := testenv.NewMinio(t)
	s := blobstore.New(openBucket(t, m))
	const size = 32 << 20 // more than sockets hold
	if _, err := s.PutStream(t.Context(), "x/y", io.LimitReader(zeros{}, size), size, blobstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	r, _, err := s.Open(t.Context(), "x/y")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := m.Kill(); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, r); !isUnavailable(err) || n == size {
		t.Fatalf("read %d bytes, %v", n, err)
	}
}

func TestSilentServerCostsNoMoreThanTheDeadline(t *testing.T) {
	t.Parallel()
	m := testenv.NewMinio(t)
	s := blobstore.New(openBucket(t, m))
	const size = 32 << 20
	if _, err := s.PutStream(t.Context(), "big", io.LimitReader(zeros{}, size), size, blobstore.Condition{}); err != nil {
		t.Fatal(err)
	}
	reading, cancelReading := context.WithCancel(t.Context())
	defer cancelReading()
	r, _, err := s.Open(reading, "big")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()

	if err := m.Pause(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time without an idle connection
		for call, do := range everyCall(s, "x/y") {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			begin := time.Now()
			if err := do(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", call, err)
			}
			// Far above the deadline, for slow machines, and far below all
			// other bounds.
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("%s took %v", call, took)
			}
			cancel()
		}
	}
	time.AfterFunc(200*time.Millisecond, cancelReading)
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, context.Canceled) {
		t.Errorf("a download from a silent server: %v", err)
	}

	if err := m.Resume(); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Stat(t.Context(), "big"); err != nil || got.Size != size {
		t.Fatalf("after the silence: %+v, %v", got, err)
	}
}
