package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"github.com/wertfach/wertfach/bench/internal/floor"
	"github.com/wertfach/wertfach/bench/internal/machine"
	"github.com/wertfach/wertfach/bench/internal/product"
	"github.com/wertfach/wertfach/bench/internal/report"
	"github.com/wertfach/wertfach/bench/internal/result"
	"github.com/wertfach/wertfach/bench/internal/site"
	"github.com/wertfach/wertfach/bench/internal/trial"
	"github.com/wertfach/wertfach/internal/testenv"
)

// connections is how many calls the floors have under way at once at most.
const connections = 64

// run sets everything up, measures, reports, and takes everything down.
func run(ctx context.Context, o options) (err error) {
	begun := time.Now()
	dir, err := os.MkdirTemp("", "wertfach-bench-")
	if err != nil {
		return err
	}
	defer func() {
		say("\nremoving what was stored") // a hundred thousand objects take their time
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	say("starting Vault and MinIO")
	s, err := site.Start(ctx, dir, trial.Institutes()...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	on, err := describe(dir)
	if err != nil {
		return err
	}
	rows, err := measure(ctx, o, s, dir)
	if err != nil {
		return err
	}
	if o.inside {
		return nil // without floors there are no ratios
	}
	fmt.Println()
	if err := report.Write(os.Stdout, rows); err != nil {
		return err
	}
	fmt.Println()
	if err := report.WriteSpending(os.Stdout, rows); err != nil {
		return err
	}
	if err := report.WriteGrowth(os.Stdout, rows); err != nil {
		return err
	}
	if !o.whole() {
		if o.quick {
			return nil
		}
		return writeGrowth(rows)
	}
	return write(report.Page{
		Machine: on, Rows: rows, Rounds: o.rounds, Round: o.round, Took: time.Since(begun), Date: begun,
	})
}

func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// describe tells of the machine and the servers.
func describe(dir string) (machine.Machine, error) {
	vault, err := testenv.Bin("vault")
	if err != nil {
		return machine.Machine{}, err
	}
	minio, err := testenv.Bin("minio")
	if err != nil {
		return machine.Machine{}, err
	}
	return machine.Describe(dir, vault, minio)
}

// measure runs the trials that are asked for against one server.
func measure(ctx context.Context, o options, s *site.Site, dir string) (rows []result.Row, err error) {
	setting := &trial.Setting{
		Site: s, Dir: dir, Rounds: o.rounds, Round: o.round, Quick: o.quick, ProductOnly: o.inside, Say: say,
	}
	if o.profile != "" {
		setting.Profile = profiling(o.profile)
	}
	setting.Floor, err = floor.New(floor.Config{
		VaultAddress: s.Vault.Addr(), VaultToken: s.Vault.RootToken(), Mount: site.Mount,
		S3Address: s.Minio.Addr(0), AccessKey: s.Minio.AccessKey, SecretKey: s.Minio.SecretKey, Region: testenv.MinioRegion,
		Bucket: site.FloorBucket, ProductBucket: site.Bucket, Workers: connections,
	})
	if err != nil {
		return nil, err
	}
	say("starting wertfach")
	if o.inside {
		setting.Product, err = product.Within(ctx, filepath.Join(dir, "main"), s)
	} else {
		if setting.Binary, err = testenv.Bin("wertfach"); err != nil {
			return nil, err
		}
		setting.Product, err = product.Serve(ctx, setting.Binary, filepath.Join(dir, "main"), s, "institutes/none/customers/none")
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, setting.Product.Stop()) }()
	for _, t := range trial.All() {
		if !o.wants(t) {
			continue
		}
		say("%s", t.Target)
		found, err := t.Run(ctx, setting)
		if err != nil {
			return nil, err
		}
		rows = append(rows, found...)
	}
	return rows, nil
}

// profiling gives a function that begins a processor profile in a file of its
// own, FILE-001 and so on; `go tool pprof FILE-*` takes them as one. So nothing
// is in them but what was measured.
func profiling(file string) func() (stop func() error, err error) {
	n := 0
	return func() (func() error, error) {
		n++
		f, err := os.Create(fmt.Sprintf("%s-%03d", file, n))
		if err != nil {
			return nil, err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return func() error {
			pprof.StopCPUProfile()
			return f.Close()
		}, nil
	}
}

// write writes the page and its plot into the repository.
func write(page report.Page) error {
	root, err := testenv.Root()
	if err != nil {
		return err
	}
	notes, err := os.ReadFile(filepath.Join(root, "bench", "notes.md"))
	if err != nil {
		return err
	}
	page.Notes = string(notes)
	docs := filepath.Join(root, "docs")
	if err := create(filepath.Join(docs, "performance.svg"), func(f *os.File) error { return report.Plot(f, page.Rows) }); err != nil {
		return err
	}
	if err := create(filepath.Join(docs, "performance.md"), func(f *os.File) error { return page.Markdown(f) }); err != nil {
		return err
	}
	say("\nwritten: docs/performance.md, docs/performance.svg")
	return nil
}

// writeGrowth writes the section of what was counted, if it was, into the page that
// is there.
func writeGrowth(rows []result.Row) error {
	root, err := testenv.Root()
	if err != nil {
		return err
	}
	path := filepath.Join(root, "docs", "performance.md")
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	changed, any, err := report.ReplaceGrowth(string(page), rows)
	if err != nil || !any {
		return err
	}
	say("\nwritten: the section of docs/performance.md about growth")
	return create(path, func(f *os.File) error { _, err := f.WriteString(changed); return err })
}

func create(path string, fill func(*os.File) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(fill(f), f.Close())
}
