package seal

import (
	"encoding/binary"
	"fmt"
)

// domain separates what this format authenticates from everything else that a
// data key could ever be used for. It changes with the format version.
const domain = "wertfach sealed object v1"

const maxField = 1024 // the longest name of an object in S3

// Binding is where a sealed object belongs. It is not stored in the object: who
// opens it says where it was found and whose it should be, and it opens only
// if that is where it was sealed for. Every field has 1 to 1024 bytes.
type Binding struct {
	// Institute is the id of the institute whose customer this is.
	Institute string
	// Pseudonym is the customer's keyed hash.
	Pseudonym string
	// Object is the object's name in the store, or the path of the record within
	// the dossier for what is sealed a second time.
	Object string
	// Compartment is what kind of access opens it: dossier, secret or scan.
	Compartment string
}

func (b Binding) check() error {
	for _, field := range b.fields() {
		if field == "" || len(field) > maxField {
			return fmt.Errorf("%w: length of a field of the binding", ErrInvalid)
		}
	}
	return nil
}

func (b Binding) fields() [4]string {
	return [4]string{b.Institute, b.Pseudonym, b.Object, b.Compartment}
}

// associatedData is what is authenticated with the payload: the domain, the
// header up to the end of the key's name, and the binding. Each part follows its
// own length, so that no two different lists of parts give the same bytes.
//
// The wrapped data key is left out, so that it can be wrapped anew without the
// content. It needs no binding: whatever is put in its place either unwraps to
// the same data key or to one under which the payload does not open.
func (b Binding) associatedData(h Header) []byte {
	fields := b.fields()
	head := h.appendBound(make([]byte, 0, fixedSize+1+len(h.KeyName)))
	size := 4 + len(domain) + 4 + len(head)
	for _, field := range fields {
		size += 4 + len(field)
	}
	out := make([]byte, 0, size)
	out = appendPart(out, domain)
	out = appendPart(out, head)
	for _, field := range fields {
		out = appendPart(out, field)
	}
	return out
}

func appendPart[T string | []byte](dst []byte, part T) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(part)))
	return append(dst, part...)
}
