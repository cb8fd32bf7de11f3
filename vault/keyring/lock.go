//go:build unix

package keyring

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// ErrInUse is a keyring that another process, or another part of this one, has
// open.
var ErrInUse = errors.New("the keyring is open elsewhere")

// lock is a file that one process at a time holds. The system lets go of it
// when the process ends, however it ends.
type lock struct {
	file *os.File
	info os.FileInfo
	path string
}

func acquire(path string) (*lock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrInUse
	}
	info, statErr := f.Stat()
	if err := errors.Join(err, statErr); err != nil {
		return nil, errors.Join(fmt.Errorf("lock: %w", err), f.Close())
	}
	return &lock{f, info, path}, nil
}

// held is nil if the file that we hold is the one in its place: the folder was
// not moved away, removed or replaced under us.
func (l *lock) held() error {
	now, err := os.Stat(l.path)
	if err != nil {
		return errors.New("the keyring's folder is gone")
	}
	if !os.SameFile(now, l.info) {
		return errors.New("the keyring's folder was replaced")
	}
	return nil
}

func (l *lock) release() error { return l.file.Close() }
