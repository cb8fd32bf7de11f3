package seal

import (
	"fmt"
	"io"
)

// OpenStream returns a reader of the plaintext of an object that SealStream
// made. h is what ReadHeader read from r, and r stands behind it.
//
// Every byte that the reader gives is authentic and in its place, but only
// io.EOF says that the object is whole: what was read before an error is the
// true beginning of an object that was cut or damaged, and must be thrown away.
// It holds less than 300 KiB whatever the size.
//
// The key is needed only during the call and may be cleared after it. The
// error, now or from the reader, is ErrInvalid for an unusable key or binding,
// ErrCorrupt for what does not open, or what r reports. A reader that failed
// goes on failing.
func OpenStream(plainKey []byte, b Binding, h Header, r io.Reader) (io.Reader, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	if h.Algorithm != AES256GCMStream {
		return nil, fmt.Errorf("%w: a whole object where a stream was expected", ErrCorrupt)
	}
	if err := checkDataKey(plainKey); err != nil {
		return nil, err
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	cipher, err := newStream(plainKey)
	if err != nil {
		return nil, err
	}
	src := &source{r: r}
	dec, err := cipher.NewDecryptingReader(src, b.associatedData(h))
	if err != nil {
		return nil, src.explain(err, "head of the stream")
	}
	return &opener{src: src, dec: dec}, nil
}

// opener makes errors final. Tink's reader marks the last segment as done
// before it was authenticated, so that after a failure there it would say
// io.EOF to whoever asked once more.
type opener struct {
	src *source
	dec io.Reader
	err error
}

// Read gives out plaintext.
func (o *opener) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if o.err != nil {
		return 0, o.err
	}
	for {
		n, err := o.dec.Read(p)
		if err == io.EOF {
			o.err = io.EOF
		} else if err != nil {
			o.err = o.src.explain(err, "not authentic")
		}
		// The one segment of an empty stream gives nothing and no error.
		if n > 0 || o.err != nil {
			return n, o.err
		}
	}
}
