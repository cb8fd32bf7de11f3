package testenv

import "syscall"

// childAttributes ties the server's life to ours: a test binary that is killed
// or times out has no chance to stop what it started. The server is in a
// process group of its own, so that an interrupt typed at the terminal reaches
// only the test, which then stops its servers in order.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
