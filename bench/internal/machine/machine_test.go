package machine

import (
	"os"
	"testing"
)

func TestMountType(t *testing.T) {
	t.Parallel()
	const mounts = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:5 / /dev rw - devtmpfs udev rw
40 22 0:30 / /tmp rw - tmpfs tmpfs rw
41 40 254:1 / /tmp/data rw master:1 - xfs /dev/vdb rw
42 41 254:2 / /tmp/data rw - btrfs /dev/vdc rw
`
	for dir, want := range map[string]string{
		"/":               "ext4",
		"/home/x":         "ext4",
		"/tmp":            "tmpfs",
		"/tmp/a":          "tmpfs",
		"/tmpest":         "ext4",
		"/tmp/data/inner": "btrfs",
	} {
		if got := mountType(mounts, dir); got != want {
			t.Errorf("%s: got %s, want %s", dir, got, want)
		}
	}
	if got := mountType("nonsense\n", "/"); got != unknown {
		t.Errorf("got %s", got)
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"8388608 kB": "8.0 GiB", "": unknown, unknown: unknown} {
		if got := memory(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

// TestVersion reads this test's own binary: it holds no module of that name,
// which is unknown and no error, while a file that is no program is one.
func TestVersion(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := version(self, "example.org/none"); err != nil || got != unknown {
		t.Errorf("got %s, %v", got, err)
	}
	file := t.TempDir() + "/program"
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := version(file, "example.org/none"); err == nil {
		t.Errorf("got %s, %v", got, err)
	}
}
