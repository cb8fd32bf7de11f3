package blobstore

// Condition is what must be true of the stored object for a write to happen.
// The zero value is no condition: the write creates or replaces.
type Condition struct {
	kind conditionKind
	etag string
}

type conditionKind uint8

const (
	always conditionKind = iota
	ifAbsent
	ifMatch
)

// IfAbsent lets a write create an object and never replace one.
func IfAbsent() Condition { return Condition{kind: ifAbsent} }

// IfMatch lets a write replace the version with that ETag, as an earlier
// [Info] gave it, and nothing else; an object that is gone does not match.
func IfMatch(etag string) Condition { return Condition{kind: ifMatch, etag: etag} }

// None says that the write happens whatever is stored.
func (c Condition) None() bool { return c.kind == always }

// Absent says that the write must find no object.
func (c Condition) Absent() bool { return c.kind == ifAbsent }

// ETag is the version that the write must find; ok is false for conditions of
// another kind.
func (c Condition) ETag() (etag string, ok bool) { return c.etag, c.kind == ifMatch }

// check refuses an ETag that no store gave: it would never match, and "*" or
// a quotation mark would mean something else in a header.
func (c Condition) check() error {
	if c.kind != ifMatch {
		return nil
	}
	if c.etag == "" || len(c.etag) > maxETag {
		return ErrConflict
	}
	for i := range len(c.etag) {
		if b := c.etag[i]; !validByte(b) && (b < 'A' || 'Z' < b) {
			return ErrConflict
		}
	}
	return nil
}

const maxETag = 128
