package s3

import (
	"errors"
	"iter"

	"github.com/minio/minio-go/v7"

	"github.com/wertfach/wertfach/blobstore"
)

// maxVersions bounds how many versions and delete markers of one name are held
// in memory to be put in order. There is one where nobody wrote past us.
const maxVersions = 10_000

var errVersions = errors.New("an object has more versions than can be put in order")

// oldestFirst turns a server's list of versions, which has the newest of each
// name first and delete markers among them, into that of an archive.
func oldestFirst(listed iter.Seq[minio.ObjectInfo]) iter.Seq2[blobstore.Version, error] {
	return func(yield func(blobstore.Version, error) bool) {
		var same []minio.ObjectInfo
		for info := range listed {
			if info.Err != nil {
				// What was gathered is not complete.
				yield(blobstore.Version{}, info.Err)
				return
			}
			if len(same) > 0 && same[0].Key != info.Key {
				if !giveVersions(same, yield) {
					return
				}
				same = same[:0]
			}
			if len(same) == maxVersions {
				yield(blobstore.Version{}, errVersions)
				return
			}
			same = append(same, info)
		}
		giveVersions(same, yield)
	}
}

// giveVersions gives what is listed of one name, beginning at its end. It says
// whether to go on.
func giveVersions(same []minio.ObjectInfo, yield func(blobstore.Version, error) bool) bool {
	removals := 0 // delete markers that are newer than what is being given
	for _, info := range same {
		if info.IsDeleteMarker {
			removals++
		}
	}
	for i := len(same) - 1; i >= 0; i-- {
		info := same[i]
		if info.IsDeleteMarker {
			removals--
			continue
		}
		v := blobstore.Version{Info: toInfo(info.Key, info), ID: info.VersionID, Hidden: removals > 0}
		if !yield(v, nil) {
			return false
		}
	}
	return true
}
