package embedded

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/wertfach/wertfach/blobstore"
)

// A record is what the objects bucket holds for a name:
//
//	1 byte   kind: 1 content follows, 2 content is in blocks
//	16 bytes id, random; in hexadecimal it is the ETag
//	8 bytes  size in bytes, big endian
//	8 bytes  time of writing, nanoseconds since 1970, big endian
//	n bytes  the content, for kind 1
type record struct {
	kind     byte
	id       id
	size     int64
	modified int64
	content  []byte // for kind inline; memory of the transaction when decoded
}

const (
	inline  byte = 1
	blocked byte = 2

	recordHeader = 1 + len(id{}) + 8 + 8
)

var errDamaged = fmt.Errorf("%w: a record of the file is damaged", blobstore.ErrUnavailable)

func (r record) encode() []byte {
	b := make([]byte, 0, recordHeader+len(r.content))
	b = append(b, r.kind)
	b = append(b, r.id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.size))
	b = binary.BigEndian.AppendUint64(b, uint64(r.modified))
	return append(b, r.content...)
}

// decode reads a record without copying its content.
func decode(b []byte) (record, error) {
	if len(b) < recordHeader {
		return record{}, errDamaged
	}
	r := record{kind: b[0], id: id(b[1:17])}
	r.size = int64(binary.BigEndian.Uint64(b[17:25]))
	r.modified = int64(binary.BigEndian.Uint64(b[25:33]))
	r.content = b[recordHeader:]
	switch {
	case r.size < 0,
		r.kind == inline && r.size != int64(len(r.content)),
		r.kind == blocked && len(r.content) > 0,
		r.kind != inline && r.kind != blocked:
		return record{}, errDamaged
	}
	return r, nil
}

func (r record) info(name string) blobstore.Info {
	return blobstore.Info{
		Name:     name,
		Size:     r.size,
		ETag:     r.id.String(),
		Modified: time.Unix(0, r.modified).UTC(),
	}
}

// find is the record of that name; without one it is ErrNotFound.
func find(tx *bbolt.Tx, name string) (record, error) {
	b := tx.Bucket(objectBucket).Get([]byte(name))
	if b == nil {
		return record{}, blobstore.ErrNotFound
	}
	return decode(b)
}

// id names the content of one version of one object.
type id [16]byte

func newID() id {
	var i id
	_, _ = rand.Read(i[:]) // never fails, by its documentation
	return i
}

func (i id) String() string { return hex.EncodeToString(i[:]) }

// block is the key of the id's n-th block. Keys sort in the order of the content.
func (i id) block(n uint32) []byte {
	return binary.BigEndian.AppendUint32(i[:], n)
}

// remove deletes all blocks of the id, and its entry among the loose ones.
func (i id) remove(tx *bbolt.Tx) error {
	c := tx.Bucket(blockBucket).Cursor()
	for k, _ := c.Seek(i[:]); len(k) > len(i) && id(k[:len(i)]) == i; k, _ = c.Seek(i[:]) {
		if err := c.Delete(); err != nil {
			return err
		}
	}
	return tx.Bucket(looseBucket).Delete(i[:])
}
