package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// earlier writes the schemas to compare with under out, keeping their paths from the repository's root, and tells notes
// which commit they are from. It writes nothing where there are none yet, and says so.
//
// While the schemas in the working folder are being changed, that is the last commit. Once they are committed it is the
// commit before, because comparing a commit with itself, as a fresh clone would, finds nothing.
func earlier(repository, out string, notes io.Writer) error {
	commit, why, err := compareWith(repository)
	if err != nil {
		return err
	}
	if commit != "" {
		list, err := git(repository, "ls-tree", "-r", "--name-only", commit, "--", "proto")
		if err != nil {
			return err
		}
		if !strings.Contains(list, ".proto\n") {
			commit, why = "", "it has no schema"
		}
	}
	if commit == "" {
		_, err = fmt.Fprintf(notes, "Compatibility is not checked: there is no earlier schema (%s).\n", why)
		return err
	}
	archive, err := git(repository, "archive", "--format=tar", commit, "--", "proto")
	if err != nil {
		return err
	}
	if err := unpack(strings.NewReader(archive), out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(notes, "Compatibility is checked against %s, %s.\n", commit, why)
	return err
}

// compareWith names the commit to compare with and says why that one. The name is empty when there is none.
func compareWith(repository string) (commit, why string, err error) {
	head, err := abbreviate(repository, "HEAD")
	if err != nil {
		return "", "", err
	}
	if head == "" {
		return "", "nothing is committed", nil
	}
	changed, err := git(repository, "status", "--porcelain", "--untracked-files=all", "--", ":(glob)proto/**/*.proto")
	if err != nil {
		return "", "", err
	}
	if changed != "" {
		return head, "the last commit", nil
	}
	before, err := abbreviate(repository, "HEAD~1")
	if err != nil {
		return "", "", err
	}
	if before != "" {
		return before, "the commit before the last", nil
	}
	shallow, err := git(repository, "rev-parse", "--is-shallow-repository")
	if err != nil {
		return "", "", err
	}
	if strings.TrimSpace(shallow) == "true" {
		return head, "the only commit of this shallow clone", nil
	}
	return "", "the last commit is the first", nil
}

// abbreviate gives the short hash of a revision, empty if there is no such commit.
func abbreviate(repository, revision string) (string, error) {
	hash, err := git(repository, "rev-parse", "--quiet", "--short", "--verify", revision+"^{commit}")
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return "", nil
	}
	return strings.TrimSpace(hash), err
}

// git runs a git command and returns what it prints.
func git(repository string, args ...string) (string, error) {
	command := exec.Command("git", append([]string{"-C", repository}, args...)...)
	var complaint bytes.Buffer
	command.Stderr = &complaint
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(complaint.Bytes()))
	}
	return string(out), nil
}

// unpack writes the schemas in an archive under out.
func unpack(archive io.Reader, out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(out)
	if err != nil {
		return err
	}
	defer root.Close()
	for entries := tar.NewReader(archive); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if path.Ext(entry.Name) != ".proto" {
			continue
		}
		text, err := io.ReadAll(entries)
		if err != nil {
			return err
		}
		name := filepath.FromSlash(entry.Name)
		if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := root.WriteFile(name, text, 0o644); err != nil {
			return err
		}
	}
}
