package s3

import (
	"errors"
	"iter"
	"slices"
	"strconv"
	"testing"

	"github.com/minio/minio-go/v7"
)

func TestVersionsOfOneNameAreBounded(t *testing.T) {
	t.Parallel()
	listed := func(n int) iter.Seq[minio.ObjectInfo] {
		return func(yield func(minio.ObjectInfo) bool) {
			for i := range n {
				if !yield(minio.ObjectInfo{Key: "x", VersionID: strconv.Itoa(n - i)}) {
					return
				}
			}
		}
	}
	var got []string
	for v, err := range oldestFirst(listed(maxVersions)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, v.ID)
	}
	if len(got) != maxVersions || got[0] != "1" || got[maxVersions-1] != strconv.Itoa(maxVersions) {
		t.Fatalf("%d versions, from %s", len(got), got[0])
	}
	for _, err := range oldestFirst(listed(maxVersions + 1)) {
		if !errors.Is(err, errVersions) {
			t.Fatalf("one more: %v", err)
		}
	}
}

// What a name's versions are is known only when the next name or the end is seen.
func TestListOfVersionsThatBreaksOff(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	var got []string
	var last error
	for v, err := range oldestFirst(slices.Values([]minio.ObjectInfo{
		{Key: "a", VersionID: "a2"}, {Key: "a", VersionID: "a1"}, {Key: "b", VersionID: "b1"}, {Err: broken},
	})) {
		if last = err; err == nil {
			got = append(got, v.ID)
		}
	}
	if !errors.Is(last, broken) || !slices.Equal(got, []string{"a1", "a2"}) {
		t.Fatalf("%v, %v", got, last)
	}
}
