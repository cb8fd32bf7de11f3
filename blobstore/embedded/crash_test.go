package embedded

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
)

// crashFile names, for a process that TestCrash starts, the file to write into
// until it is killed.
const crashFile = "WERTFACH_TEST_CRASH_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashFile); path != "" {
		if err := writeForever(path, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

const crashWriters = 6

// crashSize is the size of a writer's objects in that round: small ones, some of
// one transaction and some of several.
func crashSize(writer, round int) int {
	return []int{200, 20_000, 100_000, 700_000, 1_200_000}[(writer+round)%5]
}

// crashContent tells in all its parts who wrote it and in which round.
func crashContent(writer, round int) []byte {
	line := fmt.Appendf(nil, "writer %03d round %06d\n", writer, round)
	return bytes.Repeat(line, crashSize(writer, round)/len(line)+1)
}

// writeForever overwrites an object for each writer, round after round, makes
// another one and deletes that of the round before, and tells on w what has been
// acknowledged.
func writeForever(path string, w io.Writer) error {
	d, err := Open(path)
	if err != nil {
		return err
	}
	s := blobstore.New(d)
	var mu sync.Mutex
	errs := make(chan error)
	for writer := range crashWriters {
		go func() {
			for round := 1; ; round++ {
				if err := writeRound(s, writer, round); err != nil {
					errs <- err
					return
				}
				mu.Lock()
				_, err := fmt.Fprintf(w, "%d %d\n", writer, round)
				mu.Unlock()
				if err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	return <-errs
}

func writeRound(s *blobstore.Store, writer, round int) error {
	ctx := context.Background()
	data := crashContent(writer, round)
	if _, err := s.PutStream(ctx, fmt.Sprintf("same/%d", writer), bytes.NewReader(data), int64(len(data)), blobstore.Condition{}); err != nil {
		return err
	}
	if _, err := s.Put(ctx, fmt.Sprintf("each/%d/%d", writer, round), data, blobstore.IfAbsent()); err != nil {
		return err
	}
	return s.Delete(ctx, fmt.Sprintf("each/%d/%d", writer, round-1))
}

// TestCrash kills a process that writes, at random points, opens its file and
// checks that all that was acknowledged is there, whole, and that nothing half
// is.
func TestCrash(t *testing.T) {
	t.Parallel()
	for run := range 8 {
		t.Run(fmt.Sprint(run), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "objects.db")
			acknowledged := killWhileWriting(t, path, rand.IntN(60))
			s, d := reopen(t, path)
			wantLoose(t, d, 0)
			blocks := 0
			for writer, last := range acknowledged {
				blocks += checkWriter(t, s, writer, last)
			}
			wantBlocks(t, d, blocks)
		})
	}
}

// killWhileWriting returns, for each writer, the last round that the process
// had acknowledged when it was killed after that many.
func killWhileWriting(t *testing.T, path string, after int) [crashWriters]int {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashFile+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var last [crashWriters]int
	lines := 0
	kill := func() {
		if lines == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	kill()
	for in := bufio.NewScanner(out); in.Scan(); {
		var writer, round int
		if _, err := fmt.Sscan(in.Text(), &writer, &round); err != nil {
			break // the line that the death cut off
		}
		last[writer] = round
		lines++
		kill()
	}
	_ = cmd.Wait()
	if lines < after {
		t.Fatalf("the writing process ended by itself: %s", complaint.String())
	}
	return last
}

// checkWriter checks what a writer left, of whom the round last was the last to
// be acknowledged, and returns how many blocks that takes. The next round may
// have been done in part or in whole, and not acknowledged.
func checkWriter(t *testing.T, s *blobstore.Store, writer, last int) (blocks int) {
	t.Helper()
	need := func(data []byte) int {
		if len(data) <= blockSize {
			return 0
		}
		return (len(data) + blockSize - 1) / blockSize
	}
	same, _, err := s.Get(t.Context(), fmt.Sprintf("same/%d", writer))
	switch {
	case last == 0 && errors.Is(err, blobstore.ErrNotFound):
	case err != nil:
		t.Fatalf("an acknowledged object: %v", err)
	case !bytes.Equal(same, crashContent(writer, last)) && !bytes.Equal(same, crashContent(writer, last+1)):
		t.Fatalf("an object of %d bytes is neither of round %d nor of the next", len(same), last)
	}
	blocks += need(same)

	found := map[int]bool{}
	for info, err := range s.List(t.Context(), fmt.Sprintf("each/%d/", writer)) {
		if err != nil {
			t.Fatal(err)
		}
		var round int
		if _, err := fmt.Sscan(info.Name[strings.LastIndexByte(info.Name, '/')+1:], &round); err != nil {
			t.Fatal(err)
		}
		data, _, err := s.Get(t.Context(), info.Name)
		if err != nil || !bytes.Equal(data, crashContent(writer, round)) {
			t.Fatalf("an object of %d bytes is not what was written, %v", len(data), err)
		}
		blocks += need(data)
		found[round] = true
	}
	switch {
	case last > 0 && !found[last] && !found[last+1]:
		t.Fatal("an acknowledged object is gone")
	case found[last+1] && !bytes.Equal(same, crashContent(writer, last+1)):
		t.Fatal("a later write is there and an earlier one is not")
	}
	delete(found, last)
	delete(found, last+1)
	if len(found) > 0 {
		t.Fatalf("%d deleted objects are there again", len(found))
	}
	return blocks
}
