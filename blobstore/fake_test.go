package blobstore

import (
	"context"
	"io"
	"iter"
	"strings"
)

// fakeDriver does what its functions say; those that are nil are not expected.
type fakeDriver struct {
	open   func(context.Context, string) (io.ReadCloser, Info, error)
	put    func(context.Context, string, io.Reader, int64, Condition) (Info, error)
	stat   func(context.Context, string) (Info, error)
	delete func(context.Context, string) error
	list   func(context.Context, string) iter.Seq2[Info, error]
}

func (d *fakeDriver) Open(ctx context.Context, name string) (io.ReadCloser, Info, error) {
	return d.open(ctx, name)
}

func (d *fakeDriver) Put(ctx context.Context, name string, body io.Reader, size int64, cond Condition) (Info, error) {
	return d.put(ctx, name, body, size, cond)
}

func (d *fakeDriver) Stat(ctx context.Context, name string) (Info, error) { return d.stat(ctx, name) }
func (d *fakeDriver) Delete(ctx context.Context, name string) error       { return d.delete(ctx, name) }

func (d *fakeDriver) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return d.list(ctx, prefix)
}

func (d *fakeDriver) Prepare(context.Context) error { return nil }
func (d *fakeDriver) Ping(context.Context) error    { return nil }
func (d *fakeDriver) Close() error                  { return nil }

// opens is an Open that gives that content and announces that size.
func opens(content string, size int64) func(context.Context, string) (io.ReadCloser, Info, error) {
	return func(context.Context, string) (io.ReadCloser, Info, error) {
		return io.NopCloser(strings.NewReader(content)), Info{Size: size, ETag: "e"}, nil
	}
}

// takes is a Put that reads the whole body.
func takes(_ context.Context, _ string, body io.Reader, size int64, _ Condition) (Info, error) {
	n, err := io.Copy(io.Discard, body)
	return Info{Size: n, ETag: "e"}, err
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
