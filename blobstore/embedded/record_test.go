package embedded

import (
	"bytes"
	"testing"
)

func FuzzRecord(f *testing.F) {
	f.Add([]byte{})
	f.Add(record{kind: inline}.encode())
	f.Add(record{kind: inline, id: newID(), size: 3, modified: 1, content: []byte("abc")}.encode())
	f.Add(record{kind: blocked, id: newID(), size: 1 << 40, modified: -1}.encode())
	f.Add(record{kind: blocked, size: -1}.encode())
	f.Add(record{kind: inline, size: 2, content: []byte("abc")}.encode())
	f.Add(record{kind: 3}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decode(b)
		if err != nil {
			return
		}
		if r.size < 0 || r.kind == inline && r.size != int64(len(r.content)) {
			t.Fatalf("a record of %d bytes has %d", r.size, len(r.content))
		}
		if !bytes.Equal(r.encode(), b) {
			t.Fatal("a record changes when it is written again")
		}
	})
}
