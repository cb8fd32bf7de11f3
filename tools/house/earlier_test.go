package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEarlier walks a repository from before its first commit to a clean clone of its third.
func TestEarlier(t *testing.T) {
	repository := t.TempDir()
	// No configuration of whoever runs the test.
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		t.Setenv("GIT_"+who+"_NAME", "test")
		t.Setenv("GIT_"+who+"_EMAIL", "test@example.com")
	}
	run := func(args ...string) {
		t.Helper()
		if _, err := git(repository, args...); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(repository, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	commit := func() {
		t.Helper()
		run("add", ".")
		run("commit", "--quiet", "--message", "x")
	}
	// want is the schema to compare with, empty for none.
	check := func(want, note string) {
		t.Helper()
		out := filepath.Join(t.TempDir(), "earlier")
		var notes bytes.Buffer
		if err := earlier(repository, out, &notes); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(notes.String(), note) {
			t.Errorf("it says %q, want %q", &notes, note)
		}
		got, err := os.ReadFile(filepath.Join(out, "proto", "w", "v1", "a.proto"))
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("compared with %q, %v; want %q", got, err, want)
		}
	}
	const schema = "proto/w/v1/a.proto"

	run("init", "--quiet")
	check("", "nothing is committed")
	write("README", "no schema yet")
	commit()
	check("", "the last commit is the first")
	write(schema, "one")
	check("", "it has no schema")
	commit()
	check("", "it has no schema")
	write("proto/w/v1/a.pb.go", "generated")
	check("", "it has no schema")
	write(schema, "two")
	check("one", "the last commit")
	commit()
	check("one", "the commit before the last")
	write("proto/w/v1/new.proto", "new")
	check("two", "the last commit")

	shallow := filepath.Join(t.TempDir(), "shallow")
	run("clone", "--quiet", "--depth=1", "file://"+filepath.ToSlash(repository), shallow)
	repository = shallow
	check("two", "shallow")
}

func TestEarlierNeedsGit(t *testing.T) {
	t.Parallel()
	if err := earlier(t.TempDir(), t.TempDir(), &bytes.Buffer{}); err == nil {
		t.Error("a folder that is no repository passes")
	}
}
