package seal_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/wertfach/wertfach/custody/seal"
)

// fuzzSeeds are the objects of the vectors and of the tests' own key, and parts
// of them.
func fuzzSeeds(f *testing.F) [][]byte {
	seeds := [][]byte{mustSeal(f, []byte("PUK")), mustSealStream(f, []byte("PDF")), nil, []byte("WF\x01\x01"), []byte("WF\x01\x02\xff")}
	for _, v := range loadVectors(f) {
		if v.Sealed != nil {
			seeds = append(seeds, v.Sealed, v.Sealed[:len(v.Sealed)/2])
		}
	}
	return seeds
}

// FuzzParseHeader: whatever is parsed gives the same bytes when it is written
// again, in bounds, and both ways of reading agree.
func FuzzParseHeader(f *testing.F) {
	for _, seed := range fuzzSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := seal.ParseHeader(data)
		r := bytes.NewReader(data)
		again, errAgain := seal.ReadHeader(r)
		if (err == nil) != (errAgain == nil) || h.KeyName != again.KeyName || !bytes.Equal(h.Wrapped, again.Wrapped) {
			t.Fatalf("ParseHeader %+v, %v; ReadHeader %+v, %v", h, err, again, errAgain)
		}
		read := data[:len(data)-r.Len()]
		if len(read) > seal.MaxHeader {
			t.Fatalf("read %d bytes", len(read))
		}
		if err != nil {
			if !errors.Is(err, seal.ErrCorrupt) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		ref := refObject{algorithm: byte(h.Algorithm), keyName: h.KeyName, wrapped: h.Wrapped}
		if !bytes.Equal(ref.header(), read) {
			t.Fatalf("parsed %+v from other bytes", h)
		}
	})
}

// FuzzOpen: nothing opens that was not sealed, and this package and the
// independent implementation agree.
func FuzzOpen(f *testing.F) { fuzzOpening(f, seal.Open) }

// FuzzOpenStream is FuzzOpen for streams.
func FuzzOpenStream(f *testing.F) {
	fuzzOpening(f, func(plainKey []byte, b seal.Binding, sealed []byte) ([]byte, error) {
		r, err := openStream(plainKey, b, bytes.NewReader(sealed))
		if err != nil {
			return nil, err
		}
		plaintext, err := io.ReadAll(r)
		if _, again := r.Read(make([]byte, 1)); again == nil || (err != nil && again != err) {
			return nil, errors.New("the end was not final")
		}
		return plaintext, err
	})
}

func fuzzOpening(f *testing.F, opener func([]byte, seal.Binding, []byte) ([]byte, error)) {
	known := make(map[string]bool) // without the wrapped data key, which a key server authenticates
	v := loadVectors(f)[0]
	b := v.binding()
	for _, seed := range fuzzSeeds(f) {
		known[unwrappedForm(seed)] = true
		f.Add(seed)
	}
	for _, size := range []int{0, 40, refFirst, refFirst + 40} {
		for _, algorithm := range []byte{1, 2} {
			o := v.reference()
			o.algorithm, o.salt, o.prefix = algorithm, make([]byte, 32), make([]byte, 7)
			sealed := o.seal(pattern(size))
			known[unwrappedForm(sealed)] = true
			f.Add(sealed)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		plaintext, err := opener(v.DataKey, b, data)
		if err != nil {
			if !errors.Is(err, seal.ErrCorrupt) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		if !known[unwrappedForm(data)] {
			t.Fatalf("%d bytes that nobody sealed opened", len(data))
		}
		want, err := refOpen(v.DataKey, v.reference().binding, data)
		if err != nil || !bytes.Equal(plaintext, want) {
			t.Fatalf("the reference says %x, %v", want, err)
		}
	})
}

// unwrappedForm is a sealed object with the same wrapped data key as all others.
func unwrappedForm(sealed []byte) string {
	same, err := seal.Rewrapped(sealed, []byte("any"))
	if err != nil {
		return ""
	}
	return string(same)
}
