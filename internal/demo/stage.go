package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// stage is what the story stands on: a running server and the command line.
type stage struct {
	ctx   context.Context
	bin   string // the program
	props string // the folder of the example files
	dir   string // everything of this run
	steps int
	dev   *exec.Cmd
	ended chan error
}

// A step of the story says what it shows, does it, and fails if it does not
// hold.
type step struct {
	title string
	do    func(*stage) error
}

func (s *stage) perform(story []step) error {
	for _, step := range story {
		s.steps++
		fmt.Printf("\n%2d. %s\n", s.steps, step.title)
		if err := step.do(s); err != nil {
			return fmt.Errorf("step %d, %q: %w", s.steps, step.title, err)
		}
	}
	return nil
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

func (s *stage) example(name string) string { return filepath.Join(s.props, name+".json") }

func (s *stage) data() string { return s.path("data") }

// say tells what was seen.
func (s *stage) say(format string, args ...any) { fmt.Printf("      "+format+"\n", args...) }

// startDev starts `wertfach dev` and waits until it listens.
func (s *stage) startDev() error {
	fmt.Printf("    $ wertfach dev --data data\n")
	log, err := os.Create(s.path("dev.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	address, err := freeAddress()
	if err != nil {
		return err
	}
	s.dev = exec.Command(s.bin, "dev", "--data", s.data(), "--listen", address)
	s.dev.Stdout, s.dev.Stderr = log, log
	if err := s.dev.Start(); err != nil {
		return err
	}
	s.ended = make(chan error, 1)
	go func(dev *exec.Cmd, ended chan<- error) { ended <- dev.Wait() }(s.dev, s.ended)
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); {
		if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			return conn.Close()
		}
		select {
		case err := <-s.ended:
			s.dev = nil
			out, _ := os.ReadFile(s.path("dev.log"))
			return fmt.Errorf("the server ended: %v\n%s", err, out)
		case <-s.ctx.Done():
			return s.ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return errors.New("the server does not listen after 15 seconds")
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (s *stage) stopDev() error {
	if s.dev == nil {
		return nil
	}
	if err := s.dev.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	err := <-s.ended
	s.dev = nil
	return err
}

// as runs a command of the program with the profile of a role, shows it, and
// gives what it printed.
func (s *stage) as(role string, args ...string) ([]byte, error) {
	fmt.Printf("    $ wertfach %s\n", strings.Join(s.shown(args), " "))
	return s.run(append([]string{"--profile", filepath.Join(s.data(), "clients", role+".yaml")}, args...))
}

// alone runs a command that needs no server.
func (s *stage) alone(args ...string) ([]byte, error) {
	fmt.Printf("    $ wertfach %s\n", strings.Join(s.shown(args), " "))
	return s.run(args)
}

func (s *stage) run(args []string) ([]byte, error) {
	cmd := exec.CommandContext(s.ctx, s.bin, args...)
	cmd.Dir = s.dir
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return nil, &refused{message: strings.TrimSpace(problems.String()), err: err}
	}
	return out.Bytes(), nil
}

// refused is a command that ended with an error.
type refused struct {
	message string
	err     error
}

// Error is what the command said.
func (r *refused) Error() string { return fmt.Sprintf("%v: %s", r.err, r.message) }

// refusal takes a command's refusal for what was to be shown; anything else is
// a failure.
func (s *stage) refusal(_ []byte, err error, want string) error {
	var r *refused
	if !errors.As(err, &r) {
		return fmt.Errorf("it was to be refused, but: %v", err)
	}
	if !strings.Contains(strings.ToLower(r.message), want) {
		return fmt.Errorf("it was to be refused with %q, but: %w", want, err)
	}
	s.say("refused: %s", strings.ReplaceAll(r.message, "\n", "; "))
	return nil
}

// shown gives arguments as a person would type them.
func (s *stage) shown(args []string) []string {
	out := make([]string, len(args))
	for i, arg := range args {
		out[i] = strings.Replace(arg, s.props, filepath.Base(s.props), 1)
		if strings.Contains(arg, " ") {
			out[i] = "'" + arg + "'"
		}
	}
	return out
}

// nowhere fails if one of the words stands in clear in a file below dir.
func (s *stage) nowhere(dir string, words ...string) error {
	files, size := 0, 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files, size = files+1, size+len(content)
		for i, word := range words {
			if bytes.Contains(content, []byte(word)) {
				return fmt.Errorf("word %d stands in clear in %s", i+1, filepath.Base(path))
			}
		}
		return nil
	})
	if err == nil {
		s.say("%d files, %.1f MiB: none of the %d is in there", files, float64(size)/(1<<20), len(words))
	}
	return err
}
