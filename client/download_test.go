package client_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"testing"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

const scanName = artefact + "/scans/s"

func described(content []byte) *wertfachv1.Scan {
	sum := sha256.Sum256(content)
	return &wertfachv1.Scan{Name: scanName, SizeBytes: int64(len(content)), Sha256: hex.EncodeToString(sum[:])}
}

func TestDownloads(t *testing.T) {
	t.Parallel()
	sent := content(200_000)
	for name, c := range map[string]struct {
		parts    []any
		want     fault.Kind // Internal for none
		reason   string
		attempts int64
	}{
		"whole":             {[]any{described(sent), sent[:70_000], sent[70_000:]}, fault.Internal, "", 1},
		"in one":            {[]any{described(sent), sent}, fault.Internal, "", 1},
		"again":             {[]any{away, away, described(sent), sent}, fault.Internal, "", 3},
		"cut":               {[]any{described(sent), sent[:199_999]}, fault.Corrupt, "CONTENT_DIFFERS", 1},
		"longer":            {[]any{described(sent), sent, sent[:1]}, fault.Corrupt, "CONTENT_DIFFERS", 1},
		"changed":           {[]any{described(sent), content(199_999), []byte{0}}, fault.Corrupt, "CONTENT_DIFFERS", 1},
		"no description":    {[]any{sent}, fault.Corrupt, "CONTENT_DIFFERS", 1},
		"nothing":           {nil, fault.Corrupt, "CONTENT_DIFFERS", 1},
		"breaks off":        {[]any{described(sent), sent[:70_000], away, sent}, fault.Unavailable, away.Reason, 1},
		"corrupt in store":  {[]any{described(sent), sent[:70_000], fault.New(fault.Corrupt, "OBJECT_CORRUPT", "x")}, fault.Corrupt, "OBJECT_CORRUPT", 1},
		"not there":         {[]any{fault.New(fault.NotFound, "SCAN_NOT_FOUND", "x")}, fault.NotFound, "SCAN_NOT_FOUND", 1},
		"away for too long": {[]any{away, away, away, away, away, described(sent)}, fault.Unavailable, away.Reason, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &scans{download: c.parts}
			var got bytes.Buffer
			begun := 0
			scan, err := open(t, services{artefacts: server}).DownloadScan(t.Context(), scanName, &got, client.Begin(func(scan *wertfachv1.Scan) {
				begun++
				if got.Len() > 0 || scan.GetSizeBytes() != int64(len(sent)) {
					t.Errorf("begins with %v after %d bytes", scan, got.Len())
				}
			}))
			if n := server.attempts.Load(); n != c.attempts {
				t.Errorf("%d attempts, want %d", n, c.attempts)
			}
			if c.reason != "" {
				if scan != nil || fault.KindOf(err) != c.want || fault.ReasonOf(err) != c.reason {
					t.Errorf("%v, %v; want %s", scan, err, c.reason)
				}
				return
			}
			if err != nil || begun != 1 || scan.GetName() != scanName || !bytes.Equal(got.Bytes(), sent) {
				t.Errorf("%v, %v, %d bytes", scan, err, got.Len())
			}
		})
	}
}

func TestADownloadThatCanNotBeWritten(t *testing.T) {
	t.Parallel()
	sent := content(200_000)
	full := errors.New("the disk is full")
	r, w := io.Pipe()
	r.CloseWithError(full)
	vault := open(t, services{artefacts: &scans{download: []any{described(sent), sent}}})
	if _, err := vault.DownloadScan(t.Context(), scanName, w); !errors.Is(err, full) {
		t.Errorf("%v; want the writer's own error", err)
	}
}
