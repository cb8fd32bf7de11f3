package keyring

import (
	"errors"
	"io"
	"os"
	"strings"
)

// folder is a folder of small files that change as a whole and durably. Names
// that begin with a dot are its own: a file on its way in or out.
type folder struct {
	root *os.Root
	self *os.File // for fsync of the folder itself
}

const (
	incoming = ".new-" // not yet in its place
	outgoing = ".old-" // replaced, to be overwritten
	doomed   = ".end-" // destroyed, to be overwritten

	maxFile = 1 << 20 // bytes; a keyset has some 200 for each version
)

func openFolder(path string) (*folder, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	self, err := root.Open(".")
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &folder{root, self}, nil
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	d, err := openFolder(path)
	if err != nil {
		return err
	}
	return errors.Join(d.self.Sync(), d.close())
}

func (d *folder) close() error { return errors.Join(d.self.Close(), d.root.Close()) }

// read gives a file's content; os.ErrNotExist where there is none.
func (d *folder) read(name string) ([]byte, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile))
}

// write puts a new file in its place.
func (d *folder) write(name string, content []byte) error {
	f, err := d.root.OpenFile(incoming+name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, d.shred(incoming+name))
	}
	if err := d.root.Rename(incoming+name, name); err != nil {
		return err
	}
	return d.self.Sync()
}

// replace puts other content in a file's place and overwrites the old. There is
// no moment without the file: the old one has a second name until it is gone.
func (d *folder) replace(name string, content []byte) error {
	if err := d.finish(name); err != nil {
		return err
	}
	if err := d.root.Link(name, outgoing+name); err != nil {
		return err
	}
	if err := d.write(name, content); err != nil {
		return errors.Join(err, d.finish(name))
	}
	return d.finish(name)
}

// destroy takes a file out of its place, overwrites and removes it. The first
// step is the one that counts, and no step is half done: after a crash the file
// is there, or it is not and its bytes are overwritten at the next start.
func (d *folder) destroy(name string) error {
	err := d.root.Rename(name, doomed+name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := d.self.Sync(); err != nil {
		return err
	}
	// What an earlier attempt left goes too.
	return errors.Join(d.shred(doomed+name), d.finish(name), d.shred(incoming+name), d.self.Sync())
}

// finish overwrites what replace left of an older file, and gives up only the
// second name where that is all there is. Before it overwrites, the newer file's
// name is durable: a power cut must not bring back an old file full of zeros.
func (d *folder) finish(name string) error {
	old, err := d.root.Lstat(outgoing + name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	now, err := d.root.Lstat(name)
	if err == nil && os.SameFile(old, now) {
		return d.root.Remove(outgoing + name)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := d.self.Sync(); err != nil {
		return err
	}
	return d.shred(outgoing + name)
}

// shred overwrites a file's bytes where they lie and removes it. It is no error
// where there is none.
func (d *folder) shred(name string) error {
	f, err := d.root.OpenFile(name, os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.WriteAt(make([]byte, info.Size()), 0)
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return d.root.Remove(name)
}

// recover finishes what a crash left half done.
func (d *folder) recover() error {
	names, err := d.names()
	if err != nil {
		return err
	}
	for _, name := range names {
		var err error
		switch {
		case strings.HasPrefix(name, outgoing):
			err = d.finish(strings.TrimPrefix(name, outgoing))
		case strings.HasPrefix(name, incoming), strings.HasPrefix(name, doomed):
			err = d.shred(name)
		}
		if err != nil {
			return err
		}
	}
	return d.self.Sync()
}

// empty is whether there is no file in its place.
func (d *folder) empty() (bool, error) {
	names, err := d.names()
	for _, name := range names {
		if !strings.HasPrefix(name, ".") {
			return false, err
		}
	}
	return true, err
}

func (d *folder) names() ([]string, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}
