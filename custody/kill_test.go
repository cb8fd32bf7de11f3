package custody

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/vault"
)

// TestKill has a child process tell stories to several customers at once and
// kills it (SIGKILL) at random moments, 54 times in all. After each time a sweep
// must leave every customer in the state of the last step that the child had
// acknowledged, or of the one after it, and everything that is stored must
// belong together.
func TestKill(t *testing.T) {
	t.Parallel()
	plain := newWorld(t, custodytest.Embedded())
	for _, b := range custodytest.Backends() {
		deployment, times := b.Deploy(t), 5
		if b.Name == "real" {
			times = 4
		}
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel() // each store has one child after the other
			prepareDeployment(t, deployment)
			for _, s := range stories() {
				states := s.states(t, plain)
				for i := range times {
					t.Run(fmt.Sprintf("%s %d", s.name, i), func(t *testing.T) { killOnce(t, deployment, s, states) })
				}
			}
		})
	}
}

// job is what a child is told to do.
type job struct {
	Deployment custodytest.Deployment
	Institute  string
	Story      string
	StandsAt   int // of a child that erases: before which call it stands still
}

// childVariable holds a child's job.
const childVariable = "WERTFACH_TEST_CHILD"

// tellers is how many customers a child works at in one go.
const tellers = 4

// child does what it is told until it is killed, and prints after each step who
// is how far.
func child(told string) error {
	var j job
	if err := json.Unmarshal([]byte(told), &j); err != nil {
		return err
	}
	keys, blobs, err := j.Deployment.Open(context.Background())
	if err != nil {
		return err
	}
	w := &world{keys: keys, blobs: blobs, institute: j.Institute, clock: &clock{}}
	if w.secret, err = LoadIndexSecret(context.Background(), vault.New(keys), blobstore.New(blobs)); err != nil {
		return err
	}
	if j.Story == "" {
		return eraseAndStand(w, j.StandsAt)
	}
	c, err := New(w.config(), w.secret)
	if err != nil {
		return err
	}
	s := stories()[slices.IndexFunc(stories(), func(s story) bool { return s.name == j.Story })]
	failed := make(chan error)
	for i := range tellers {
		go func() { failed <- s.tell(c, resource.Institute{ID: j.Institute}, i) }()
	}
	return <-failed
}

// tell tells the story to one customer after the other. A line is one write, and
// what is in the pipe outlives the process.
func (s story) tell(c *Custodian, institute resource.Institute, i int) error {
	for n := 0; ; n++ {
		of := newTeller(resource.Customer{Institute: institute, ID: fmt.Sprintf("c-%d-%d", i, n)})
		for done := range len(s.steps) + 1 {
			if done > 0 {
				if err := s.steps[done-1](context.Background(), c, of); err != nil {
					return fmt.Errorf("step %d: %w", done-1, err)
				}
			}
			if _, err := fmt.Printf("%s %d\n", of.customer.ID, done); err != nil {
				return err
			}
		}
	}
}

func prepareDeployment(t *testing.T, d custodytest.Deployment) {
	t.Helper()
	keys, blobs, err := d.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := Prepare(t.Context(), vault.New(keys), blobstore.New(blobs)); err != nil {
		t.Error(err)
	}
	if err := errors.Join(keys.Close(), blobs.Close()); err != nil {
		t.Fatal(err)
	}
}

func killOnce(t *testing.T, d custodytest.Deployment, s story, states []string) {
	institute := "bank-" + random(10)
	done := runAndKill(t, job{Deployment: d, Institute: institute, Story: s.name}, time.Duration(rand.Int64N(int64(60*time.Millisecond))))

	keys, blobs := d.MustOpen(t)
	w := &world{deployment: d, keys: keys, blobs: blobs, institute: institute, clock: &clock{}}
	var err error
	if w.secret, err = LoadIndexSecret(t.Context(), vault.New(keys), blobstore.New(blobs)); err != nil {
		t.Fatal(err)
	}
	w.awaitQuiet(t)
	report := w.sweepAll(t.Context(), t)
	w.mustBeWhole(t.Context(), t)
	for id, step := range done {
		got := w.describe(t.Context(), t, resource.Customer{Institute: resource.Institute{ID: institute}, ID: id})
		if got != states[step] && (step+1 == len(states) || got != states[step+1]) {
			t.Errorf("%s was acknowledged step %d of %s, and then: %s\nwant %s\nor the next", id, step, s.name, got, states[step])
		}
	}
	t.Logf("%d customers, %+v", len(done), report)
}

// runAndKill gives how far each customer was acknowledged to be. It kills the
// child that long after its first word.
func runAndKill(t *testing.T, j job, after time.Duration) map[string]int {
	t.Helper()
	told, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+string(told))
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := map[string]int{}
	var kill *time.Timer
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break // a line that was cut was not acknowledged
		}
		var id string
		var step int
		if _, scanErr := fmt.Sscanf(line, "%s %d\n", &id, &step); err != nil || scanErr != nil {
			t.Fatalf("the child said %q: %v", line, err)
		}
		done[id] = step
		if kill == nil {
			kill = time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
	}
	err = cmd.Wait()
	if kill == nil || cmd.ProcessState.Exited() {
		t.Fatalf("the child ended by itself: %v: %s", err, stderr.String())
	}
	return done
}

// awaitQuiet waits until nothing changes in the store any more: what a killed
// process had sent may still be under way in a server.
func (w *world) awaitQuiet(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	last, same := "", 0
	for same < 3 {
		<-tick.C
		var now strings.Builder
		for info, err := range blobstore.New(w.blobs).List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&now, info.Name, info.ETag)
		}
		if same++; now.String() != last {
			last, same = now.String(), 0
		}
	}
}
