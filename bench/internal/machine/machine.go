// Package machine says on what the benchmark ran, so that a reader knows what
// its figures are worth: processor, memory, kernel, file system, versions.
//
// It tells nothing of whose machine it was: no names of hosts, users or folders.
package machine

import (
	"bufio"
	"debug/buildinfo"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// Machine is the description.
type Machine struct {
	Processor  string // the model's name
	Cores      int
	Memory     string // "8.0 GiB"
	Kernel     string // "Linux 6.1.0"
	FileSystem string // the type of that which holds the servers' data: "ext4"
	Go         string // "go1.26.1"
	Vault      string // the server's version
	Minio      string // likewise
}

// Describe looks at this machine. dir is where the servers keep their data;
// vault and minio are their binaries.
func Describe(dir, vault, minio string) (Machine, error) {
	m := Machine{
		Processor:  first("/proc/cpuinfo", "model name"),
		Cores:      runtime.NumCPU(),
		Memory:     memory(first("/proc/meminfo", "MemTotal")),
		Kernel:     kernel(),
		FileSystem: fileSystem(dir),
		Go:         runtime.Version(),
	}
	var err error
	if m.Vault, err = version(vault, "github.com/hashicorp/vault"); err != nil {
		return m, err
	}
	m.Minio, err = version(minio, "github.com/minio/minio")
	return m, err
}

const unknown = "unknown"

// first gives the value of a key in a file of "key : value" lines.
func first(file, key string) string {
	f, err := os.Open(file)
	if err != nil {
		return unknown
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if k, v, found := strings.Cut(lines.Text(), ":"); found && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return unknown
}

// memory turns "8048576 kB" into GiB.
func memory(s string) string {
	kib, err := strconv.ParseFloat(strings.TrimSuffix(s, " kB"), 64)
	if err != nil {
		return unknown
	}
	return fmt.Sprintf("%.1f GiB", kib/(1<<20))
}

func kernel() string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return runtime.GOOS
	}
	return "Linux " + strings.TrimSpace(string(release))
}

// fileSystem finds the type of the mount that dir is in (proc(5), mountinfo).
func fileSystem(dir string) string {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return unknown
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return unknown
	}
	return mountType(string(mounts), dir)
}

func mountType(mounts, dir string) string {
	kind, longest := unknown, -1
	for line := range strings.Lines(mounts) {
		before, after, found := strings.Cut(line, " - ")
		where, what := strings.Fields(before), strings.Fields(after)
		if !found || len(where) < 5 || len(what) < 1 {
			continue
		}
		point := strings.TrimSuffix(where[4], "/")
		// A later mount at the same place hides the one before.
		if len(point) >= longest && (dir == point || strings.HasPrefix(dir, point+"/")) {
			kind, longest = what[0], len(point)
		}
	}
	return kind
}

// version reads from a binary in which version the module was built into it.
func version(binary, module string) (string, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return "", fmt.Errorf("version of %s: %w", filepath.Base(binary), err)
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == module && m.Version != "" {
			return m.Version, nil
		}
	}
	return unknown, nil
}
