package testenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	readyWait    = 60 * time.Second // a cold start on a machine busy with a race build
	readyAttempt = 2 * time.Second
	readyPoll    = 20 * time.Millisecond
	stopWait     = 15 * time.Second
	portTries    = 3
)

// Command says how to start a server.
type Command struct {
	// Path is the binary, see [Bin].
	Path string
	// Dir is the server's own folder, made where it is missing. It is the
	// working folder, and holds what the server prints in output.log.
	Dir string
	// Ports is how many free loopback addresses the server needs.
	Ports int
	// Args makes the arguments; it may write configuration files into Dir.
	Args func(addrs []string) ([]string, error)
	// Env adds to the environment, as "NAME=value".
	Env []string
	// Ready answers nil once the server serves. It is asked again until then.
	Ready func(ctx context.Context, addrs []string) error
}

// Process is a server that runs as a child process. It is safe for concurrent
// use.
type Process struct {
	command Command
	addrs   []string

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has ended
}

// Start starts the server and returns once it is ready, for at most a minute
// or until ctx ends. The server lives on after ctx: it ends by [Process.Stop]
// or [Process.Kill], and on Linux with the process that started it.
//
// Between the choice of a free port and the server's listening on it another
// process may take the port; a server that ends before it is ready is therefore
// tried again on other ports.
func Start(ctx context.Context, c Command) (*Process, error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("testenv: folder of the server: %w", err)
	}
	var err error
	for range portTries {
		p := &Process{command: c}
		if p.addrs, err = freeAddrs(c.Ports); err != nil {
			return nil, err
		}
		if err = p.start(ctx); err == nil {
			return p, nil
		}
		if !errors.Is(err, errEnded) {
			return nil, err
		}
	}
	return nil, err
}

var errEnded = errors.New("server ended before it was ready")

func (p *Process) start(ctx context.Context) error {
	args, err := p.command.Args(p.addrs)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(p.OutputFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("testenv: output of the server: %w", err)
	}
	defer out.Close() // the child has its own descriptor

	// Not CommandContext: the server outlives the context of its start.
	cmd := exec.Command(p.command.Path, args...)
	cmd.Dir = p.command.Dir
	cmd.Env = append(ownEnvironment(), p.command.Env...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = childAttributes()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("testenv: start: %w", err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in its output
		close(exited)
	}()
	p.mu.Lock()
	p.cmd, p.exited = cmd, exited
	p.mu.Unlock()

	if err := p.awaitReady(ctx, exited); err != nil {
		_ = p.Kill()
		return err
	}
	return nil
}

func (p *Process) awaitReady(ctx context.Context, exited <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	poll := time.NewTicker(readyPoll)
	defer poll.Stop()
	for {
		attempt, done := context.WithTimeout(ctx, readyAttempt)
		err := p.command.Ready(attempt, p.addrs)
		done()
		select {
		case <-exited:
			return fmt.Errorf("testenv: %s: %w; it printed:\n%s", filepath.Base(p.command.Path), errEnded, p.tail())
		default:
		}
		if err == nil {
			return nil
		}
		select {
		case <-exited:
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("testenv: %s is not ready: %w (%w); it printed:\n%s",
				filepath.Base(p.command.Path), err, ctx.Err(), p.tail())
		}
	}
}

// Addr is the server's i-th address, "127.0.0.1:port". It stays the same over
// [Process.Restart].
func (p *Process) Addr(i int) string { return p.addrs[i] }

// Dir is the server's folder.
func (p *Process) Dir() string { return p.command.Dir }

// OutputFile is the file that holds what the server printed, over all its
// restarts.
func (p *Process) OutputFile() string { return filepath.Join(p.command.Dir, "output.log") }

// Pid is the child's process id, for measurements. It is 0 where none runs.
func (p *Process) Pid() int {
	cmd, _ := p.running()
	if cmd == nil {
		return 0
	}
	return cmd.Process.Pid
}

// Stop asks the server to end (SIGTERM) and kills it if it does not within 15
// seconds. It returns when the process is gone; stopping twice is no error.
func (p *Process) Stop() error {
	cmd, exited := p.running()
	if cmd == nil {
		return nil
	}
	_ = cmd.Process.Signal(syscall.SIGCONT) // a paused process would not see SIGTERM
	if err := signal(cmd, syscall.SIGTERM); err != nil {
		return err
	}
	timer := time.NewTimer(stopWait)
	defer timer.Stop()
	select {
	case <-exited:
		return nil
	case <-timer.C:
		return p.Kill()
	}
}

// Kill ends the server at once (SIGKILL), as a power cut would, and returns
// when the process is gone.
func (p *Process) Kill() error {
	cmd, exited := p.running()
	if cmd == nil {
		return nil
	}
	// The whole group, so that no child of the server is left.
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("testenv: kill the server: %w", err)
	}
	<-exited
	return nil
}

// Pause stops the server's execution (SIGSTOP) and returns once it stands
// still: connections stay open and nothing answers.
func (p *Process) Pause() error {
	cmd, err := p.signal(syscall.SIGSTOP)
	if err != nil {
		return err
	}
	return awaitStopped(cmd.Process.Pid)
}

// Resume lets a paused server run on (SIGCONT).
func (p *Process) Resume() error {
	_, err := p.signal(syscall.SIGCONT)
	return err
}

// Restart stops the server, where it runs, and starts it again on the same
// addresses and data.
func (p *Process) Restart(ctx context.Context) error {
	if err := p.Stop(); err != nil {
		return err
	}
	return p.start(ctx)
}

func (p *Process) signal(sig syscall.Signal) (*exec.Cmd, error) {
	cmd, _ := p.running()
	if cmd == nil {
		return nil, errors.New("testenv: the server does not run")
	}
	return cmd, signal(cmd, sig)
}

// running is the child where one runs, else nil.
func (p *Process) running() (*exec.Cmd, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return nil, nil
	}
	select {
	case <-p.exited:
		return nil, nil
	default:
		return p.cmd, p.exited
	}
}

// tail is the end of what the server printed, for error messages.
func (p *Process) tail() string {
	const most = 4 << 10
	b, err := os.ReadFile(p.OutputFile())
	if err != nil {
		return err.Error()
	}
	if len(b) > most {
		b = b[len(b)-most:]
	}
	return string(b)
}

// ownEnvironment is the environment without what would configure a server
// behind our back: a developer's shell often has VAULT_ or MINIO_ variables.
func ownEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "VAULT_") || strings.HasPrefix(v, "BAO_") || strings.HasPrefix(v, "MINIO_")
	})
}

func signal(cmd *exec.Cmd, sig syscall.Signal) error {
	if err := cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("testenv: signal the server: %w", err)
	}
	return nil
}

// freeAddrs finds n free loopback addresses. All listeners are open at once, so
// that no address comes twice.
func freeAddrs(n int) ([]string, error) {
	addrs := make([]string, n)
	for i := range addrs {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("testenv: free port: %w", err)
		}
		defer l.Close()
		addrs[i] = l.Addr().String()
	}
	return addrs, nil
}
