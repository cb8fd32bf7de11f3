package seal_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/wertfach/wertfach/custody/seal"
)

// Sizes around the boundaries of segments; the first is shorter.
var streamSizes = []int{
	0, 1, 15, 16, 17, 32<<10 - 1, 32 << 10, 32<<10 + 1,
	refFirst - 1, refFirst, refFirst + 1, 65535, 65536, 65537,
	refFirst + refFurther - 1, refFirst + refFurther, refFirst + refFurther + 1,
	refFirst + 2*refFurther, 1 << 20,
}

func TestStreamRoundTrip(t *testing.T) {
	t.Parallel()
	for _, size := range streamSizes {
		plaintext := pattern(size)
		sealed := mustSealStream(t, plaintext) // also checks the announced size
		for name, opener := range openers() {
			opened, err := opener(sealed)
			if err != nil || !bytes.Equal(opened, plaintext) {
				t.Errorf("%s, size %d: %d bytes, %v", name, size, len(opened), err)
			}
		}
	}
}

// hostile are readers that keep the contract of io.Reader in awkward ways.
var hostile = map[string]func(io.Reader) io.Reader{
	"one byte":          iotest.OneByteReader,
	"half":              iotest.HalfReader,
	"end with the data": iotest.DataErrReader,
	"nothing at times":  func(r io.Reader) io.Reader { return &idleReader{r: r} },
	"all of it": func(r io.Reader) io.Reader {
		return iotest.HalfReader(iotest.OneByteReader(iotest.DataErrReader(&idleReader{r: r})))
	},
}

// idleReader gives nothing, and no error, every second time.
type idleReader struct {
	r    io.Reader
	busy bool
}

func (i *idleReader) Read(p []byte) (int, error) {
	if i.busy = !i.busy; i.busy {
		return 0, nil
	}
	return i.r.Read(p)
}

func TestHostileReaders(t *testing.T) {
	t.Parallel()
	for name, wrap := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int{0, 1, refFirst, refFirst + 1, refFirst + refFurther} {
				plaintext := pattern(size)
				sealing, sealedSize, err := seal.SealStream(someKey, somewhere, wrap(bytes.NewReader(plaintext)), int64(size))
				if err != nil {
					t.Fatal(err)
				}
				sealed, err := io.ReadAll(wrap(sealing))
				if err != nil || int64(len(sealed)) != sealedSize {
					t.Fatalf("size %d: sealed %d of %d bytes: %v", size, len(sealed), sealedSize, err)
				}
				opening, err := openStream(someKey.Plaintext, somewhere, wrap(bytes.NewReader(sealed)))
				if err != nil {
					t.Fatal(err)
				}
				opened, err := io.ReadAll(wrap(opening))
				if err != nil || !bytes.Equal(opened, plaintext) {
					t.Fatalf("size %d: opened %d bytes: %v", size, len(opened), err)
				}
			}
		})
	}
}

// Both readers pass the standard library's own test of readers.
func TestReadersKeepTheContract(t *testing.T) {
	t.Parallel()
	plaintext := pattern(refFirst + 100)
	sealed := mustSealStream(t, plaintext)
	opening, err := openStream(someKey.Plaintext, somewhere, bytes.NewReader(sealed))
	if err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(opening, plaintext); err != nil {
		t.Error(err)
	}

	opening, err = openStream(someKey.Plaintext, somewhere, bytes.NewReader(mustSealStream(t, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := opening.Read(make([]byte, 10)); n != 0 || err != io.EOF {
		t.Errorf("an empty stream: %d, %v", n, err)
	}

	// What a sealing reader gives differs each time, which that test cannot take.
	sealing, _, err := seal.SealStream(someKey, somewhere, bytes.NewReader(plaintext), int64(len(plaintext)))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := sealing.Read(nil); n != 0 || err != nil {
		t.Errorf("reading nothing: %d, %v", n, err)
	}
	if _, err := io.ReadAll(sealing); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if n, err := sealing.Read(make([]byte, 10)); n != 0 || err != io.EOF {
			t.Errorf("after the end: %d, %v", n, err)
		}
	}
}

// A source that is not as long as declared, or that broke, never makes an object
// that opens, and the sealed bytes never reach the announced size.
func TestSourceNotAsDeclared(t *testing.T) {
	t.Parallel()
	broke := errors.New("checksum of the upload does not match")
	for _, size := range []int{0, 1, 1000, refFirst, refFirst + 1, refFirst + refFurther, 200_000} {
		plaintext := pattern(size)
		for name, c := range map[string]struct {
			src      io.Reader
			declared int
			want     error
		}{
			"one byte more":      {bytes.NewReader(plaintext), size - 1, seal.ErrSize},
			"one byte less":      {bytes.NewReader(plaintext), size + 1, seal.ErrSize},
			"much less":          {bytes.NewReader(plaintext), size + 300_000, seal.ErrSize},
			"much more":          {io.MultiReader(bytes.NewReader(plaintext), bytes.NewReader(pattern(300_000))), size, seal.ErrSize},
			"error at the end":   {io.MultiReader(bytes.NewReader(plaintext), iotest.ErrReader(broke)), size, broke},
			"error in the midst": {io.MultiReader(bytes.NewReader(plaintext), iotest.ErrReader(broke), bytes.NewReader(plaintext)), 2 * size, broke},
			"cut connection":     {io.MultiReader(bytes.NewReader(plaintext), iotest.ErrReader(io.ErrUnexpectedEOF)), size, io.ErrUnexpectedEOF},
			"nothing for ever":   {io.MultiReader(bytes.NewReader(plaintext), nothing{}), size, io.ErrNoProgress},
		} {
			if c.declared < 0 {
				continue
			}
			r, announced, err := seal.SealStream(someKey, somewhere, c.src, int64(c.declared))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if !errors.Is(err, c.want) {
				t.Errorf("size %d, %s: %v", size, name, err)
			}
			if _, again := r.Read(make([]byte, 10)); again != err {
				t.Errorf("size %d, %s: read again: %v", size, name, again)
			}
			if int64(len(got)) >= announced {
				t.Errorf("size %d, %s: gave %d of %d announced bytes", size, name, len(got), announced)
			}
			if _, err := open(someKey.Plaintext, somewhere, got); !errors.Is(err, seal.ErrCorrupt) {
				t.Errorf("size %d, %s: what was given opens: %v", size, name, err)
			}
		}
	}
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }

// breakingReader reports its error once, together with the last bytes before
// it, and then goes on as if nothing had been.
type breakingReader struct {
	before, after []byte
	err           error
}

func (b *breakingReader) Read(p []byte) (int, error) {
	n := copy(p, b.before)
	if b.before = b.before[n:]; len(b.before) > 0 {
		return n, nil
	}
	err := b.err
	b.before, b.after, b.err = b.after, nil, io.EOF
	return n, err
}

// A store that breaks off is told from an object that is cut: its error comes
// back as it is, again and again.
func TestOpenFromBrokenReader(t *testing.T) {
	t.Parallel()
	plaintext, sealed, bounds := streamLayout(t)
	for _, broke := range []error{errors.New("connection reset"), io.ErrUnexpectedEOF} {
		for _, n := range append(places(len(sealed), bounds, 20_011), headerSize+1) {
			if n < headerSize {
				continue
			}
			src := io.MultiReader(bytes.NewReader(sealed[:n]), iotest.ErrReader(broke))
			for _, src := range []io.Reader{src, &breakingReader{before: sealed[:n], after: sealed[n:], err: broke}} {
				r, err := openStream(someKey.Plaintext, somewhere, src)
				var got []byte
				if err == nil {
					got, err = io.ReadAll(r)
					if _, again := r.Read(make([]byte, 10)); again != err {
						t.Fatalf("broke after %d bytes, read again: %v", n, again)
					}
				}
				if err != broke || !bytes.HasPrefix(plaintext, got) {
					t.Fatalf("broke after %d bytes: gave %d bytes, %v", n, len(got), err)
				}
			}
		}
	}
}

// A reader that said that the object does not open goes on saying so.
func TestOpenErrorsAreFinal(t *testing.T) {
	t.Parallel()
	_, sealed, bounds := streamLayout(t)
	for segment := range 3 {
		damaged := bytes.Clone(sealed)
		damaged[bounds[segment]+100] ^= 1
		r, err := openStream(someKey.Plaintext, somewhere, bytes.NewReader(damaged))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(r); !errors.Is(err, seal.ErrCorrupt) {
			t.Fatalf("segment %d: %v", segment, err)
		}
		for range 3 {
			if n, err := r.Read(make([]byte, 10)); n != 0 || !errors.Is(err, seal.ErrCorrupt) {
				t.Errorf("segment %d, read again: %d, %v", segment, n, err)
			}
		}
	}
}

// The key may be cleared as soon as a stream was begun.
func TestKeyClearedDuringStream(t *testing.T) {
	t.Parallel()
	plaintext := pattern(200_000)
	k := someKey
	k.Plaintext = bytes.Clone(someKey.Plaintext)
	sealing, _, err := seal.SealStream(k, somewhere, bytes.NewReader(plaintext), int64(len(plaintext)))
	if err != nil {
		t.Fatal(err)
	}
	k.Clear()
	sealed, err := io.ReadAll(sealing)
	if err != nil {
		t.Fatal(err)
	}
	copied := bytes.Clone(someKey.Plaintext)
	opening, err := openStream(copied, somewhere, bytes.NewReader(sealed))
	if err != nil {
		t.Fatal(err)
	}
	clear(copied)
	if opened, err := io.ReadAll(opening); err != nil || !bytes.Equal(opened, plaintext) {
		t.Errorf("%d bytes, %v", len(opened), err)
	}
}

// Readers that are left half way leave no goroutine behind: the bubble fails if
// any is still there at its end.
func TestAbandonedReaders(t *testing.T) {
	t.Parallel()
	plaintext := pattern(1 << 20)
	sealed := mustSealStream(t, plaintext)
	synctest.Test(t, func(t *testing.T) {
		sealing, _, err := seal.SealStream(someKey, somewhere, bytes.NewReader(plaintext), int64(len(plaintext)))
		if err != nil {
			t.Fatal(err)
		}
		opening, err := openStream(someKey.Plaintext, somewhere, bytes.NewReader(sealed))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []io.Reader{sealing, opening} {
			if _, err := io.ReadFull(r, make([]byte, 100_000)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A stream's memory does not follow its size. Not parallel: it counts what the
// whole process allocates.
func TestStreamMemory(t *testing.T) {
	const (
		size   = 64 << 20
		limit  = 300 << 10           // what the package promises
		nonces = size >> 16 * 2 * 16 // Tink makes one for each segment: garbage at once
	)
	buf := make([]byte, 32<<10)
	allocated := func(r func() io.Reader) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		n, err := drain(r(), buf)
		runtime.ReadMemStats(&after)
		if err != nil || n < size {
			t.Fatalf("%d bytes, %v", n, err)
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	sealing := func() io.Reader {
		r, _, err := seal.SealStream(someKey, somewhere, io.LimitReader(zeros{}, size), size)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if got := allocated(sealing); got > limit+nonces {
		t.Errorf("sealing 64 MiB allocated %d bytes", got)
	}
	both := allocated(func() io.Reader {
		r, err := openStream(someKey.Plaintext, somewhere, sealing())
		if err != nil {
			t.Fatal(err)
		}
		return r
	})
	if both > 2*(limit+nonces) {
		t.Errorf("sealing and opening 64 MiB allocated %d bytes", both)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
