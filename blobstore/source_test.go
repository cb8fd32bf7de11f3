package blobstore

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
)

// The last declared byte reaches the driver only when the reader has ended well:
// a server that has all bytes would store them.
func TestLastByteIsHeldBack(t *testing.T) {
	t.Parallel()
	errSender := errors.New("the sender went away")
	for what, r := range map[string]io.Reader{
		"short":                 strings.NewReader("12345678"),
		"long":                  strings.NewReader("1234567890"),
		"failing at the end":    io.MultiReader(strings.NewReader("123456789"), iotest.ErrReader(errSender)),
		"failing with the last": iotest.DataErrReader(io.MultiReader(strings.NewReader("123456789"), iotest.ErrReader(errSender))),
		"long, byte by byte":    iotest.OneByteReader(strings.NewReader("1234567890")),
	} {
		for _, buffer := range []int{1, 4, 9, 100} {
			src := &source{r: r, left: 9}
			var got int
			var err error
			for p := make([]byte, buffer); err == nil; {
				var n int
				n, err = src.Read(p)
				got += n
			}
			if err == io.EOF || got >= 9 {
				t.Errorf("%s: the driver got %d bytes of 9, %v", what, got, err)
			}
			if err := src.finish(nil); err == nil || errors.Is(err, errFinished) {
				t.Errorf("%s: finished with %v", what, err)
			}
		}
	}
}

func TestSourceIsAGoodReader(t *testing.T) {
	t.Parallel()
	content := []byte("some content of a length")
	for _, wrap := range []func(io.Reader) io.Reader{
		func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader,
	} {
		src := &source{r: wrap(strings.NewReader(string(content))), left: int64(len(content))}
		if err := iotest.TestReader(src, content); err != nil {
			t.Error(err)
		}
		if err := src.finish(nil); err != nil {
			t.Error(err)
		}
	}
}

// A transport that goes on reading after its request is over does not reach
// the caller's reader any more.
func TestReaderIsNotUsedAfterwards(t *testing.T) {
	t.Parallel()
	var returned atomic.Bool
	reader := readFunc(func(p []byte) (int, error) {
		if returned.Load() {
			t.Error("read after PutStream had returned")
		}
		return len(p), nil
	})
	stopped := make(chan struct{})
	leaky := func(_ context.Context, _ string, body io.Reader, _ int64, _ Condition) (Info, error) {
		read := make(chan struct{})
		go func() {
			defer close(stopped)
			p := make([]byte, 10)
			for i := 0; ; i++ {
				if _, err := body.Read(p); err != nil {
					return
				}
				if i == 0 {
					close(read)
				}
			}
		}()
		<-read
		return Info{}, ErrUnavailable
	}
	_, err := New(&fakeDriver{put: leaky}).PutStream(t.Context(), "a", reader, 4<<30, Condition{})
	returned.Store(true)
	if !errors.Is(err, ErrUnavailable) {
		t.Fatal(err)
	}
	<-stopped
}

// The reader's panic does not stay on the goroutine of a transport, where it
// would end the process.
func TestPanicCrossesGoroutines(t *testing.T) {
	t.Parallel()
	elsewhere := func(_ context.Context, _ string, body io.Reader, _ int64, _ Condition) (Info, error) {
		done := make(chan error)
		go func() {
			_, err := io.Copy(io.Discard, body)
			done <- err
		}()
		return Info{}, <-done
	}
	s := New(&fakeDriver{put: elsewhere}, WithLimits(Limits{Streams: 1}))
	for range 2 { // and the place is given back
		func() {
			defer func() {
				if v := recover(); v != "the reader's own" {
					t.Errorf("recovered %v", v)
				}
			}()
			r := readFunc(func([]byte) (int, error) { panic("the reader's own") })
			_, err := s.PutStream(t.Context(), "a", r, 10, Condition{})
			t.Errorf("no panic but %v", err)
		}()
	}
}
