package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

const masterMode = 0o600

// openMaster reads the master key, and makes it where it is missing and may be
// made.
func openMaster(path string, mayMake bool) (tink.AEAD, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		if !mayMake {
			return nil, errors.New("master key: the file is missing, and there are keys that need it")
		}
		if err := makeMaster(path); err != nil {
			return nil, fmt.Errorf("master key: %w", err)
		}
		f, err = os.Open(path)
	}
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	defer f.Close()

	// Asked of the open file, so that it is the one whose mode counts.
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm() != masterMode {
		return nil, fmt.Errorf("master key: want a file of mode %04o, it has %04o", masterMode, info.Mode().Perm())
	}
	content, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	defer clear(content)
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(content)))
	if err != nil {
		return nil, errors.New("master key: not a keyset") // the cause might quote it
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, errors.New("master key: not a keyset for authenticated encryption")
	}
	return primitive, nil
}

// makeMaster makes a master key. The file appears with its whole content or
// not at all.
func makeMaster(path string) error {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return err
	}
	var content bytes.Buffer
	defer func() { clear(content.Bytes()) }()
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&content)); err != nil {
		return err
	}
	dir, err := openFolder(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.write(filepath.Base(path), content.Bytes()), dir.close())
}
