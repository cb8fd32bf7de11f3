package embedded

import (
	"path/filepath"
	"testing"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/blobstore/blobstoretest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	blobstoretest.Run(t, func(t *testing.T) blobstore.Driver {
		d, err := Open(filepath.Join(t.TempDir(), "objects.db"))
		if err != nil {
			t.Fatal(err)
		}
		return d
	})
}
