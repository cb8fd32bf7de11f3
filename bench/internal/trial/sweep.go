package trial

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/wertfach/wertfach/bench/internal/load"
	"github.com/wertfach/wertfach/bench/internal/result"
	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/blobstore/embedded"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/vault"
	"github.com/wertfach/wertfach/vault/keyring"
)

const (
	// dueOfEach is how many customers of each of two institutes are due: of one the
	// whole dossier goes, of the other the secrets.
	dueOfEach = 5
	// listed is how many names S3 gives in one answer.
	listed = 1000
)

// sweep is P7, as far as it is about the sweep: the calls to keys and objects that
// a sweep makes, with few and with many customers of whom as many are due. They are
// counted, and so need neither rounds nor a quiet machine.
func sweep(ctx context.Context, s *Setting) ([]result.Row, error) {
	few, many := 1_000, 100_000
	if s.Quick {
		few, many = 50, 3_000
	}
	before, err := s.swept(ctx, few)
	if err != nil {
		return nil, err
	}
	after, err := s.swept(ctx, many)
	if err != nil {
		return nil, err
	}
	row := result.Row{
		What: "a sweep of 10 who are due", Calls: fmt.Sprintf("the same among %d customers", few), Unit: "calls",
		Bound: result.Bound{AtMost: 1}, Few: few, Many: many,
	}
	for _, op := range slices.Sorted(maps.Keys(before)) {
		row.Counts = append(row.Counts, result.Count{Op: op, Few: before[op], Many: after[op]})
	}
	sum := func(calls map[string]int) (n float64) {
		for _, c := range calls {
			n += float64(c)
		}
		return n
	}
	row.Floors, row.Products = []float64{sum(before)}, []float64{sum(after)}
	s.Say("  %.0f calls among %d customers, %.0f among %d", row.Floors[0], few, row.Products[0], many)
	if !maps.Equal(before, after) {
		return nil, fmt.Errorf("the sweep's cost follows what is stored: %v among %d, %v among %d", before, few, after, many)
	}
	return []result.Row{row}, nil
}

// swept counts the calls of a sweep among so many customers, on embedded back ends of
// its own.
//
// Who is due is enrolled, registers something and ends the contract, as anybody does.
// The others are written as they lie in a store, a dossier and a mark each on a day to
// come, with nothing that opens in the dossier: keys would cost hours and change
// nothing, since a sweep that looked at one of them would fail on it, and so would
// this trial.
func (s *Setting) swept(ctx context.Context, customers int) (calls map[string]int, err error) {
	dir := filepath.Join(s.Dir, fmt.Sprintf("p7-%d", customers))
	keys, err := keyring.Open(keyring.Config{Dir: filepath.Join(dir, "keys")})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, keys.Close()) }()
	blobs, err := embedded.Open(filepath.Join(dir, "store.db"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, blobs.Close()) }()
	if err := custody.Prepare(ctx, vault.New(keys), blobstore.New(blobs)); err != nil {
		return nil, err
	}
	c, err := custodian(ctx, keys, blobs)
	if err != nil {
		return nil, err
	}
	for _, institute := range []string{"p7-erased", "p7-shed"} {
		if err := leaving(ctx, c, institute); err != nil {
			return nil, err
		}
		if err := staying(ctx, blobstore.New(blobs), institute, customers/2-dueOfEach); err != nil {
			return nil, err
		}
	}
	count := &counter{calls: map[string]int{}}
	counted, err := custodian(ctx, keys, blobs, count)
	if err != nil {
		return nil, err
	}
	clear(count.calls) // what it took to begin
	begun := time.Now()
	report, err := counted.Sweep(ctx, custody.SweepOptions{})
	if err != nil || report != (custody.SweepReport{Erased: dueOfEach, Shed: dueOfEach}) {
		return nil, fmt.Errorf("the sweep among %d: %+v, %w", customers, report, err)
	}
	s.Say("  among %-8d %-40s %9.3f s", customers, "one sweep", time.Since(begun).Seconds())
	return count.calls, nil
}

// custodian serves both institutes, and has its calls counted where that is asked for.
func custodian(ctx context.Context, keys vault.Driver, blobs blobstore.Driver, counts ...*counter) (*custody.Custodian, error) {
	for _, c := range counts {
		keys, blobs = custodytest.Wrap(keys, paged{blobs, c}, c.script)
	}
	cfg := custody.Config{
		Keys: vault.New(keys), Store: blobstore.New(blobs),
		Institutes: []custody.Institute{{ID: "p7-erased", Retention: custodytest.AtContractEnd()}, {ID: "p7-shed"}},
	}
	secret, err := custody.LoadIndexSecret(ctx, cfg.Keys, cfg.Store)
	if err != nil {
		return nil, err
	}
	return custody.New(cfg, secret)
}

// leaving are customers whose contract ends today.
func leaving(ctx context.Context, c *custody.Custodian, institute string) error {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return err
	}
	specimens := custodytest.NewSpecimens(7)
	for i := range dueOfEach {
		name := resource.Customer{Institute: resource.Institute{ID: institute}, ID: fmt.Sprint(i)}
		_, err := c.Enrol(ctx, name, custody.Enrolment{Values: specimens.PlainCustomer(), Services: custodytest.Services()})
		for _, kind := range []string{"sim_card", "bike"} {
			if err == nil {
				_, err = c.Register(ctx, name, []custody.Draft{{Field: "a", Kind: kind, Values: specimens.Artefact(kind)}}, custody.Request{})
			}
		}
		if err == nil {
			_, err = c.Terminate(ctx, name, time.Now().In(berlin).Format(time.DateOnly), "", custody.Request{})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// staying writes customers of whom nothing is due for years.
func staying(ctx context.Context, store *blobstore.Store, institute string, n int) error {
	content := noise(512)
	first := time.Now().AddDate(1, 0, 0)
	_, err := load.Each(ctx, 16*workers, n, func(ctx context.Context, i int) error {
		pseudonym := fmt.Sprintf("%032d", i)
		day := first.AddDate(0, 0, i%2000).Format(time.DateOnly)
		_, err := store.Put(ctx, institute+"/dossiers/"+pseudonym, content, blobstore.Condition{})
		if err == nil {
			_, err = store.Put(ctx, institute+"/due/"+day+"/"+pseudonym+".0000000000000000", nil, blobstore.Condition{})
		}
		return err
	})
	return err
}

// counter counts calls by their kind.
type counter struct {
	mu    sync.Mutex
	calls map[string]int
}

func (c *counter) add(op string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[op] += n
}

func (c *counter) script(_ context.Context, call custodytest.Call) custodytest.Fate {
	if call.Op != "store.list" { // which paged counts
		c.add(call.Op, 1)
	}
	return custodytest.Pass
}

// paged counts a list by the answers that S3 would need for it.
type paged struct {
	blobstore.Driver
	count *counter
}

func (p paged) List(ctx context.Context, prefix string) iter.Seq2[blobstore.Info, error] {
	return func(yield func(blobstore.Info, error) bool) {
		names := 0
		defer func() { p.count.add("store.list", 1+max(names-1, 0)/listed) }()
		for info, err := range p.Driver.List(ctx, prefix) {
			if names++; !yield(info, err) {
				return
			}
		}
	}
}
