package export

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"time"
)

// ErrDiffers is a scan whose content is not what the record says of it.
var ErrDiffers = errors.New("a scan is not of the size or hash on record")

// Manifest is what manifest.json holds.
type Manifest struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	Created time.Time `json:"created"`
	// Files are all others, in the order of the archive.
	Files []File `json:"files"`
}

// File is a file of the archive.
type File struct {
	Name      string `json:"name"`
	Size      int64  `json:"size"` // in bytes
	SHA256    string `json:"sha256"`
	MediaType string `json:"media_type"`
}

// Names of the files that every archive has.
const (
	germanName   = "summary.de.html"
	englishName  = "summary.en.html"
	recordName   = "customer.json"
	schemaName   = "export.schema.json"
	manifestName = "manifest.json"
)

// Write writes the archive to w. Pages show times in zone. It holds one scan's next
// 32 KiB at a time. After an error what was written is no archive: it lacks its
// directory. Errors of w and of scans come back wrapped.
func Write(w io.Writer, r Record, zone *time.Location) error {
	r.Format, r.Version, r.Created = Format, Version, r.Created.UTC()
	r.place()
	a := &archive{zip: zip.NewWriter(w), manifest: Manifest{Format: Format, Version: Version, Created: r.Created}}
	for _, page := range []struct {
		name string
		of   language
	}{{germanName, german}, {englishName, english}} {
		var text bytes.Buffer
		if err := writePage(&text, page.of, r, zone); err != nil {
			return err
		}
		if err := a.add(page.name, "text/html; charset=utf-8", &text); err != nil {
			return err
		}
	}
	record, err := encode(r)
	if err != nil {
		return err
	}
	if err := a.add(recordName, "application/json", bytes.NewReader(record)); err != nil {
		return err
	}
	if err := a.add(schemaName, "application/schema+json", bytes.NewReader(Schema())); err != nil {
		return err
	}
	for _, artefacts := range r.allArtefacts() {
		for _, artefact := range artefacts {
			if err := a.addScans(artefact.Scans); err != nil {
				return err
			}
		}
	}
	manifest, err := encode(a.manifest)
	if err != nil {
		return err
	}
	if err := a.add(manifestName, "application/json", bytes.NewReader(manifest)); err != nil {
		return err
	}
	return a.zip.Close()
}

// place says where the scans lie.
func (r *Record) place() {
	r.Artefacts = placed(r.Artefacts)
	r.FormerContracts = slices.Clone(r.FormerContracts)
	for i, f := range r.FormerContracts {
		r.FormerContracts[i].Artefacts = placed(f.Artefacts)
	}
}

func placed(artefacts []Artefact) []Artefact {
	artefacts = slices.Clone(artefacts)
	for i, a := range artefacts {
		artefacts[i].Scans = slices.Clone(a.Scans)
		for j, s := range a.Scans {
			artefacts[i].Scans[j].File = "scans/" + a.ID + "/" + fileName(j+1, s.FileName, s.MediaType)
		}
	}
	return artefacts
}

// allArtefacts are those of the present contract, and those of each former one.
func (r *Record) allArtefacts() [][]Artefact {
	all := [][]Artefact{r.Artefacts}
	for _, f := range r.FormerContracts {
		all = append(all, f.Artefacts)
	}
	return all
}

func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return out.Bytes(), err
}

// archive is an archive that is being written.
type archive struct {
	zip      *zip.Writer
	manifest Manifest
}

// add adds a file. Text is compressed; what scans are is so already.
func (a *archive) add(name, mediaType string, content io.Reader) error {
	_, err := a.copy(name, mediaType, zip.Deflate, content)
	return err
}

func (a *archive) addScans(scans []Scan) error {
	for _, s := range scans {
		if err := a.addScan(s); err != nil {
			return fmt.Errorf("adding a scan: %w", err)
		}
	}
	return nil
}

func (a *archive) addScan(s Scan) error {
	content, err := s.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	// One byte more than there should be shows that there is more.
	file, err := a.copy(s.File, s.MediaType, zip.Store, io.LimitReader(content, s.Size+1))
	if err != nil {
		return err
	}
	if file.Size != s.Size || file.SHA256 != s.SHA256 {
		return ErrDiffers
	}
	return nil
}

// copy writes a file as its content comes: its size and checksum stand behind it
// and in the archive's directory.
func (a *archive) copy(name, mediaType string, method uint16, content io.Reader) (File, error) {
	header := &zip.FileHeader{Name: name, Method: method, Modified: a.manifest.Created}
	header.SetMode(0o600)
	into, err := a.zip.CreateHeader(header)
	if err != nil {
		return File{}, err
	}
	sum := counted{into: into, hash: sha256.New()}
	if _, err := io.Copy(&sum, content); err != nil {
		return File{}, err
	}
	file := File{Name: name, Size: sum.size, SHA256: hex.EncodeToString(sum.hash.Sum(nil)), MediaType: mediaType}
	a.manifest.Files = append(a.manifest.Files, file)
	return file, nil
}

// counted hashes and counts what goes through it.
type counted struct {
	into io.Writer
	hash hash.Hash
	size int64
}

// Write writes, hashes and counts.
func (c *counted) Write(p []byte) (int, error) {
	n, err := c.into.Write(p)
	c.hash.Write(p[:n])
	c.size += int64(n)
	return n, err
}
