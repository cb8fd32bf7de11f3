package faults

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
)

// alone says, to the process that onDisk starts, that it is that process.
const alone = "WERTFACH_TEST_FAULTS_ALONE"

// onDisk meets every RPC with a disk that the audit spool can't be written on. It
// is a limit of the process, which concerns all its files: also that in which the
// testing package notes what a test depends on. So it is done in a process of its
// own, which has no other file to write.
func onDisk(t *testing.T) {
	if os.Getenv(alone) != "" {
		d := newServers(t).deploy(t, "disk")
		d.meetAll(t, []fault{d.diskFault(t)})
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMatrix$")
	cmd.Env = append(os.Environ(), alone+"=yes")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

// diskFault is a disk on which nothing can be written.
func (d *deployment) diskFault(t testing.TB) fault {
	var files syscall.Rlimit
	ok(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &files))
	return fault{
		name: "audit spool unwritable", ends: all,
		begin: func(context.Context) error { return fileSize(0, files.Max) },
		end:   func(context.Context) error { return fileSize(files.Cur, files.Max) },
	}.noticed(d.read, 0)
}

// fileSize bounds how large this process may write files. Processes that run
// already are not concerned.
func fileSize(limit, most uint64) error {
	signal.Ignore(syscall.SIGXFSZ) // so that a write beyond it is an error
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: most})
}
