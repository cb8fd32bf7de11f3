package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/custody/fault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

func TestOutFiles(t *testing.T) {
	t.Parallel()
	answer := &wertfachv1.Scan{Name: "n"}
	broken := fault.New(fault.Corrupt, "X", "x")
	whole := func(w io.Writer) (proto.Message, error) {
		_, err := w.Write([]byte("new"))
		return answer, err
	}
	breaks := func(w io.Writer) (proto.Message, error) {
		if _, err := w.Write([]byte("ne")); err != nil {
			return nil, err
		}
		return nil, broken
	}
	for name, c := range map[string]struct {
		there bool
		force bool
		fetch func(io.Writer) (proto.Message, error)
		code  int
		want  string // in the file; "" for no file
	}{
		"new":                    {false, false, whole, exitOK, "new"},
		"new, by force":          {false, true, whole, exitOK, "new"},
		"there":                  {true, false, whole, exitUsage, "old"},
		"there, by force":        {true, true, whole, exitOK, "new"},
		"breaks":                 {false, false, breaks, exitCorrupt, ""},
		"breaks, there":          {true, true, breaks, exitCorrupt, "old"},
		"somebody else is first": {false, false, nil, exitUsage, "theirs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			out := outFile{path: filepath.Join(dir, "file"), force: c.force}
			write := func(content string) {
				if err := os.WriteFile(out.path, []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if c.there {
				write("old")
			}
			fetch := c.fetch
			if fetch == nil {
				fetch = func(w io.Writer) (proto.Message, error) {
					write("theirs")
					return whole(w)
				}
			}
			got, err := out.write(&cli{}, fetch)
			if exitCode(err) != c.code || (got != nil) != (err == nil) {
				t.Errorf("%v, %v; want exit code %d", got, err, c.code)
			}
			content, err := os.ReadFile(out.path)
			if string(content) != c.want || (c.want == "") != errors.Is(err, os.ErrNotExist) {
				t.Errorf("the file holds %q, %v; want %q", content, err, c.want)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) > 1 {
				t.Errorf("left behind: %v, %v", entries, err)
			}
		})
	}
}

func TestOutToStandardOutput(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	file := outFile{path: "-"}
	answer, err := file.write(&cli{stdout: &out}, func(w io.Writer) (proto.Message, error) {
		_, err := w.Write([]byte("content"))
		return &wertfachv1.Scan{}, err
	})
	if answer != nil || err != nil || out.String() != "content" {
		t.Errorf("%v, %v, %q", answer, err, &out)
	}
}
