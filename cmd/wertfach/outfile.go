package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
)

// outFile is where a verb writes what it fetches.
type outFile struct {
	path  string
	force bool
}

// flags adds --out, which is needed, and --force.
func (o *outFile) flags(cmd *cobra.Command, what string) *cobra.Command {
	cmd.Flags().StringVar(&o.path, "out", "", "write "+what+" to `FILE`, readable by you alone; - for standard output")
	cmd.Flags().BoolVar(&o.force, "force", false, "replace the file if it is there")
	return must(cmd, "out")
}

// write has fetch write the file. It grows beside its place and is moved there
// when it is whole, so whoever finds it finds all of it; where fetch fails,
// nothing is left.
//
// On standard output what came before an error can't be taken back, and nothing
// but the content goes there: the answer is not printed.
func (o *outFile) write(c *cli, fetch func(io.Writer) (proto.Message, error)) (answer proto.Message, err error) {
	if o.path == "-" {
		_, err := fetch(c.stdout)
		return nil, err
	}
	if err := o.free(); err != nil {
		return nil, usageError{err}
	}
	temp, err := os.CreateTemp(filepath.Dir(o.path), "."+filepath.Base(o.path)+".part-*") // mode 0600
	if err != nil {
		return nil, usageError{err}
	}
	defer func() {
		if err != nil {
			temp.Close()
			err = errors.Join(err, os.Remove(temp.Name()))
		}
	}()
	if answer, err = fetch(temp); err != nil {
		return nil, local(err)
	}
	if err = errors.Join(temp.Sync(), temp.Close()); err == nil {
		err = o.free() // somebody else may have come first
	}
	if err == nil {
		err = os.Rename(temp.Name(), o.path)
	}
	if err != nil {
		return nil, usageError{err}
	}
	return answer, nil
}

// free says whether the file may be written.
func (o *outFile) free() error {
	switch info, err := os.Lstat(o.path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a folder; --out must be a file", o.path)
	case !o.force:
		return fmt.Errorf("%s is there already; --force replaces it", o.path)
	}
	return nil
}

// local marks errors of this machine's files.
func local(err error) error {
	var file *fs.PathError
	if errors.As(err, &file) {
		return usageError{err}
	}
	return err
}
