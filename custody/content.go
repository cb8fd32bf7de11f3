package custody

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"slices"

	"github.com/gabriel-vasile/mimetype"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/format"
)

// mediaTypes are the types of files that are taken (RFC 6838).
var mediaTypes = []string{"application/pdf", "image/jpeg", "image/png", "image/tiff", "image/heic"}

// sniffed is how much of the content tells its type.
const sniffed = 3072

// check says whether what is announced can be taken at all.
func (in ScanDraft) check(limits Limits) error {
	var broken []fault.Violation
	add := func(field, rule, description string) {
		broken = append(broken, fault.Violation{Field: in.Field + "." + field, Rule: rule, Description: description})
	}
	if in.FileName != "" {
		if p := format.Filename.Check(in.FileName); p != nil {
			add("file_name", p.Rule, p.Description)
		}
	}
	if !slices.Contains(mediaTypes, in.MediaType) {
		add("media_type", "media-type.unknown", "must be one of application/pdf, image/jpeg, image/png, image/tiff, image/heic")
	}
	if in.Size < 1 {
		add("size_bytes", "size.positive", "must be the content's size in bytes, at least 1")
	}
	if sum, err := hex.DecodeString(in.SHA256); err != nil || len(sum) != 0 && len(sum) != sha256.Size {
		add("sha256", "sha256.form", "must be 64 hexadecimal digits in lower case, or empty")
	}
	if len(broken) > 0 {
		return fault.Fields(broken...)
	}
	if in.Size > limits.ScanBytes {
		return fault.New(fault.Exhausted, ReasonTooLarge, "%s.size_bytes: a scan has at most %d bytes", in.Field, limits.ScanBytes)
	}
	return nil
}

// checked gives the content as a reader that ends with io.EOF only if it had
// the announced size and hash. The type is looked at before.
func (in ScanDraft) checked(content io.Reader) (*checkedContent, error) {
	buffered := bufio.NewReaderSize(content, sniffed)
	head, err := buffered.Peek(sniffed)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if len(head) == 0 {
		return nil, in.wrongSize()
	}
	if !isType(head, in.MediaType) {
		return nil, fault.Field(in.Field+".media_type", "media-type.content", "is not what the content is")
	}
	return &checkedContent{in: in, from: buffered, hash: sha256.New(), left: in.Size}, nil
}

// isType says whether a file that begins so is of the type. A HEIC file may
// call itself by one of several brands.
func isType(head []byte, mediaType string) bool {
	found := mimetype.Detect(head)
	if mediaType == "image/heic" {
		return found.Is("image/heic") || found.Is("image/heif") || found.Is("image/heic-sequence") || found.Is("image/heif-sequence")
	}
	return found.Is(mediaType)
}

func (in ScanDraft) wrongSize() error {
	return fault.Field(in.Field+".size_bytes", "size.differs", "is not the size of the content")
}

// checkedContent hashes and counts what it passes on.
type checkedContent struct {
	in   ScanDraft
	from io.Reader
	hash hash.Hash
	left int64

	ended bool // all has come, and was what was announced
}

// Read gives content until it has all come and is what was announced.
func (c *checkedContent) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.left -= int64(n)
	if c.left < 0 {
		return 0, c.in.wrongSize()
	}
	c.hash.Write(p[:n])
	if err != io.EOF { // a wrapped io.EOF is no end
		return n, err
	}
	if c.left > 0 {
		return 0, c.in.wrongSize()
	}
	if want, _ := hex.DecodeString(c.in.SHA256); len(want) > 0 && !bytes.Equal(want, c.sum()) {
		return 0, fault.Field(c.in.Field+".sha256", "sha256.differs", "is not the SHA-256 of the content")
	}
	c.ended = true
	return n, err
}

// sum is the SHA-256 of what was read.
func (c *checkedContent) sum() []byte { return c.hash.Sum(nil) }
