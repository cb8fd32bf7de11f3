package testenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// BinVariable names the environment variable that says in which folder the
// server binaries lie, where that is not bin/ under the repository's root.
const BinVariable = "WERTFACH_BIN"

const modulePath = "github.com/wertfach/wertfach"

// Bin finds the server binary of that name in the folder that [BinVariable]
// names, else in bin/ under the repository's root. The error for a missing one
// says how to build it.
func Bin(name string) (string, error) {
	dir := os.Getenv(BinVariable)
	if dir == "" {
		root, err := Root()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(root, "bin")
	}
	path := filepath.Join(dir, name)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("testenv: no server binary %s: run `make tools` (or set %s)", path, BinVariable)
	case err != nil:
		return "", fmt.Errorf("testenv: server binary: %w", err)
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		return "", fmt.Errorf("testenv: %s is not an executable file: run `make tools`", path)
	}
	return filepath.Abs(path)
}

// Root is the repository's root: the nearest folder at or above the working
// one whose go.mod is that of this module. The modules under tools/ have a
// go.mod too, so the module's path is compared.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("testenv: working folder: %w", err)
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && declares(string(mod), modulePath) {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("testenv: not inside the repository of %s", modulePath)
		}
		dir = parent
	}
}

func declares(mod, path string) bool {
	for line := range strings.Lines(mod) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "module" {
			return f[1] == path
		}
	}
	return false
}
