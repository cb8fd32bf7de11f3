package testenv

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// childAttributes ties the server's life to ours: a test binary that is killed
// or times out has no chance to stop what it started. The server is in a
// process group of its own, so that an interrupt typed at the terminal reaches
// only the test, which then stops its servers in order.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitStopped returns once a child that was sent SIGSTOP really stands still
// with all its threads. Until then it may go on answering for a moment.
func awaitStopped(pid int) error {
	for {
		// WNOWAIT leaves the event there, for the next one who waits.
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("testenv: wait for the server to stand still: %w", err)
		}
	}
}
