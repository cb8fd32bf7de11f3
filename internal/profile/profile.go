// Package profile reads and writes client profiles: the small YAML files that
// say where a server is and with which certificate to talk to it.
//
//	address: 127.0.0.1:7443
//	ca_file: ca.pem
//	cert_file: portal.pem
//	key_file: portal-key.pem
//
// One for a person, such as an agent of the hotline, names the person's token
// besides: token_file: agent.token
//
// Paths are relative to the profile's own folder, so that a folder with its
// profiles and certificates can be moved as a whole.
package profile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/wertfach/wertfach/internal/atomicfile"
)

// Profile says how to reach a server, and as whom.
type Profile struct {
	// Address is the server's host:port.
	Address string
	// CAFile holds the authorities that the server's certificate is checked
	// against, in PEM; the system's own where empty.
	CAFile string
	// CertFile and KeyFile hold the client's certificate chain and key, in PEM.
	CertFile string
	KeyFile  string
	// TokenFile holds the token of the person for whom the client acts; none where
	// empty.
	TokenFile string
}

// maxSize is far more than a profile has, in bytes.
const maxSize = 64 << 10

// ErrInvalid is a file that is no profile. Its text names line and key, never
// a value.
var ErrInvalid = errors.New("not a profile")

// Read reads a profile. The paths in it come back as they can be opened from
// the working folder. It refuses unknown keys, keys that stand twice, and a
// profile without address, cert_file or key_file.
func Read(file string) (Profile, error) {
	info, err := os.Stat(file)
	if err != nil {
		return Profile{}, err
	}
	if info.Size() > maxSize {
		return Profile{}, fmt.Errorf("%s: %w: it is too large for one", file, ErrInvalid)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return Profile{}, err
	}
	p, err := parse(text)
	if err != nil {
		return Profile{}, fmt.Errorf("%s: %w: %w", file, ErrInvalid, err)
	}
	folder := filepath.Dir(file)
	for _, path := range []*string{&p.CAFile, &p.CertFile, &p.KeyFile, &p.TokenFile} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(folder, *path)
		}
	}
	return p, nil
}

// Write writes a profile, readable by its owner only, in one step: a reader
// sees the old one or the new one. Paths below the file's folder are written
// relative to it.
func Write(file string, p Profile) error {
	folder := filepath.Dir(file)
	var node yaml.Node
	node.Kind = yaml.MappingNode
	for _, key := range keys {
		value := *key.in(&p)
		if value == "" {
			continue
		}
		if key.isPath {
			value = within(folder, value)
		}
		var name, text yaml.Node
		name.SetString(key.name)
		text.SetString(value)
		node.Content = append(node.Content, &name, &text)
	}
	text, err := yaml.Marshal(&node)
	if err != nil {
		return err
	}
	return atomicfile.Write(file, text, 0o600)
}

// within is the path relative to the folder where it lies below it, or else
// made absolute, so that it means the same from everywhere.
func within(folder, path string) string {
	absFolder, err := filepath.Abs(folder)
	if err != nil {
		return path
	}
	absPath, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if relative, err := filepath.Rel(absFolder, absPath); err == nil && filepath.IsLocal(relative) {
		return relative
	}
	return absPath
}
