package proc

import (
	"os"
	"testing"
	"time"
)

func TestOurselves(t *testing.T) {
	t.Parallel()
	m, err := ReadMemory(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if m.Resident < 1<<20 || m.Peak < m.Resident {
		t.Errorf("got %+v", m)
	}
	before, err := ReadTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// Work until the clock moves: what is read must count it.
	for begun := time.Now(); time.Since(begun) < 10*time.Second; {
		if now, err := ReadTime(os.Getpid()); err != nil {
			t.Fatal(err)
		} else if now > before {
			return
		}
	}
	t.Error("ten seconds of work took no processor time")
}

func TestNoSuchProcess(t *testing.T) {
	t.Parallel()
	if m, err := ReadMemory(-1); err == nil {
		t.Errorf("got %+v", m)
	}
	if d, err := ReadTime(-1); err == nil {
		t.Errorf("got %v", d)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := parseStat("42 (a b) c) S 1 42 42 0 -1 4194560 5 0 0 0 150 50 0 0 20 0 9 0 100 0 0")
	if err != nil || got != 2*time.Second {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{"", "42 (a) S 1", "42 (a) S 1 42 42 0 -1 4194560 5 0 0 0 x 50 0"} {
		if got, err := parseStat(text); err == nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
	m, err := parseStatus("Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t    1024 kB\n")
	if err != nil || m != (Memory{Resident: 1 << 20, Peak: 2 << 20}) {
		t.Errorf("got %+v, %v", m, err)
	}
	if m, err := parseStatus("VmRSS:\t1024 kB\n"); err == nil {
		t.Errorf("got %+v", m)
	}
}
