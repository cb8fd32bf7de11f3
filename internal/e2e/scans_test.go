package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"testing"

	"github.com/wertfach/wertfach/client"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// uploads sends a file of each type, of several MiB, and gets each back.
func (s *story) uploads(t *testing.T) {
	artefact := s.artefacts["Perso"].GetName()
	s.files = everyFile(t, 3<<20)
	for _, file := range s.files {
		sum := sha256.Sum256(file.content)
		got, err := s.c.UploadScan(t.Context(), artefact, bytes.NewReader(file.content), int64(len(file.content)),
			client.FileName(file.name), client.SHA256(sum)) // the client tells the type by the content
		ok(t, err)
		if got.GetFileName() != file.name || got.GetMediaType() != file.mediaType || got.GetSizeBytes() != int64(len(file.content)) ||
			got.GetSha256() != hex.EncodeToString(sum[:]) || !recent(got.GetCreateTime()) {
			t.Errorf("uploaded %s: %v", file.name, got)
		}
		s.scans = append(s.scans, got)
	}
	equal(t, s.objects(t, "musterbank/scans/"), len(s.scans))
	equal(t, s.objects(t, "musterbank/pending/"), 0)

	after, err := s.c.Artefacts.GetArtefact(t.Context(), &wertfachv1.GetArtefactRequest{Name: artefact})
	ok(t, err)
	if len(after.GetScans()) != len(s.scans) || after.GetEtag() == s.artefacts["Perso"].GetEtag() {
		t.Fatalf("the artefact has %d scans, or its old etag", len(after.GetScans()))
	}
	for i, scan := range after.GetScans() {
		same(t, scan, s.scans[i])
		var content bytes.Buffer
		got, err := s.c.DownloadScan(t.Context(), scan.GetName(), &content)
		ok(t, err)
		same(t, got, scan)
		if !bytes.Equal(content.Bytes(), s.files[i].content) {
			t.Errorf("%s came back as something else", s.files[i].name)
		}
	}
}

func (s *story) deleteScan(t *testing.T) {
	last := len(s.scans) - 1
	gone := s.scans[last]
	_, err := s.c.Artefacts.DeleteScan(t.Context(), &wertfachv1.DeleteScanRequest{Name: gone.GetName()})
	ok(t, err)
	_, err = s.c.DownloadScan(t.Context(), gone.GetName(), io.Discard)
	refused(t, "download", err, "SCAN_NOT_FOUND")
	s.scans, s.files = s.scans[:last], s.files[:last]
	equal(t, s.objects(t, "musterbank/scans/"), len(s.scans))
}
