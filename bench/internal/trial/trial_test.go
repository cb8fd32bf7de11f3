package trial_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/wertfach/wertfach/bench/internal/floor"
	"github.com/wertfach/wertfach/bench/internal/product"
	"github.com/wertfach/wertfach/bench/internal/site"
	"github.com/wertfach/wertfach/bench/internal/trial"
	"github.com/wertfach/wertfach/internal/testenv"
)

// TestTrials runs everything that needs no program of its own for a moment, over
// the real servers: whatever a change of the product breaks in the benchmark
// shows here, not when somebody next wants figures.
func TestTrials(t *testing.T) {
	s, err := site.Start(t.Context(), t.TempDir(), trial.Institutes()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	p, err := product.Within(t.Context(), filepath.Join(t.TempDir(), "main"), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	f, err := floor.New(floor.Config{
		VaultAddress: s.Vault.Addr(), VaultToken: s.Vault.RootToken(), Mount: site.Mount,
		S3Address: s.Minio.Addr(0), AccessKey: s.Minio.AccessKey, SecretKey: s.Minio.SecretKey, Region: testenv.MinioRegion,
		Bucket: site.FloorBucket, ProductBucket: site.Bucket, Workers: 64,
	})
	if err != nil {
		t.Fatal(err)
	}
	setting := &trial.Setting{
		Site: s, Floor: f, Product: p, Dir: t.TempDir(), Rounds: 1, Round: 50 * time.Millisecond, Quick: true, Say: t.Logf,
	}
	for _, tr := range trial.All() {
		if tr.Starts {
			continue
		}
		rows, err := tr.Run(t.Context(), setting)
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) == 0 {
			t.Errorf("%s: no rows", tr.Target)
		}
		for _, r := range rows {
			if _, err := r.Judge(); err != nil || r.Target != tr.Target || len(r.Products) != 1 || len(r.Floors) != 1 {
				t.Errorf("%s: %+v, %v", tr.Target, r, err)
			}
		}
	}
}
