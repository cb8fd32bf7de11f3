package faults

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wertfach/wertfach/audit/segment"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/internal/testenv"
)

// repeat makes a call until it is done.
func (d *deployment) repeat(ctx context.Context, a *attempt) error {
	return again(ctx, func() error {
		_, err := d.call(ctx, a.method, a.request)
		return err
	})
}

// again tries for as long as the server says when to try again, and sooner than it
// says: it can't now, or goes on with what an earlier call began.
func again(ctx context.Context, call func() error) error {
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		err := call()
		if _, _, wait := told(status.Convert(err)); err == nil || wait <= 0 {
			return err
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return err
		}
	}
}

// has compares what a customer has.
func (d *deployment) has(ctx context.Context, t *testing.T, a *attempt, want belongings) {
	t.Helper()
	var got belongings
	err := again(ctx, func() (err error) {
		got, err = d.belongings(ctx, a.on.customer)
		return err
	})
	if code := status.Code(err); code == codes.NotFound || code == codes.FailedPrecondition {
		got, err = gone, nil
	}
	if err != nil || got != want {
		t.Errorf("%s: the customer has %+v, %v; want %+v", a.method.Name(), got, err, want)
	}
}

// awaitHealth waits until the server says whether it serves. It remembers what it
// said for a second.
func (d *deployment) awaitHealth(t *testing.T, healthy bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for d.serving(t) != healthy {
		select {
		case <-poll.C:
		case <-ctx.Done():
			t.Errorf("health goes on saying that the server serves: %v", !healthy)
			return
		}
	}
}

// swept is all that is kept once a sweep has taken everything for broken off that
// is half done.
func (d *deployment) swept(t *testing.T) map[string]string {
	t.Helper()
	report, err := d.node.Custodian().Sweep(t.Context(), custody.SweepOptions{Grace: -1})
	if err != nil || report.Failures > 0 {
		t.Errorf("sweep: %d failures, %v", report.Failures, err)
	}
	return d.snapshot(t)
}

// unchanged compares what is kept with what was kept before.
func (d *deployment) unchanged(t *testing.T, f fault, before map[string]string) {
	t.Helper()
	after := d.swept(t)
	keys := 0
	for _, name := range slices.Sorted(maps.Keys(after)) {
		etag, was := before[name]
		switch {
		case !was && strings.HasPrefix(name, "key "):
			keys++
		case !was:
			t.Errorf("%s was made", name)
		case etag != after[name]:
			t.Errorf("%s was changed", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, is := after[name]; !is {
			t.Errorf("%s was removed", name)
		}
	}
	// An enrolment that can't tell whether it was written leaves its key, for it
	// may be the one of a dossier that is there.
	if keys > f.keysLeft {
		t.Errorf("%d keys were made and are left", keys)
	}
}

// snapshot is all that is kept, asked past the faults: the objects and keys, and
// the etag of each object.
func (d *deployment) snapshot(t testing.TB) map[string]string {
	t.Helper()
	kept := map[string]string{}
	client, err := minio.New(d.minio.Addr(0), &minio.Options{
		Creds: credentials.NewStaticV4(d.minio.AccessKey, d.minio.SecretKey, ""), Region: testenv.MinioRegion,
		Transport: &http.Transport{DisableKeepAlives: true}, // leaves nothing running
	})
	ok(t, err)
	for o := range client.ListObjectsIter(t.Context(), d.bucket(), minio.ListObjectsOptions{Recursive: true}) {
		ok(t, o.Err)
		if !strings.HasPrefix(o.Key, segment.HeadFolder) { // of the audit log, which goes on
			kept["object "+o.Key] = o.ETag
		}
	}
	for _, name := range transitKeys(t, d.vault.Client(), d.name) {
		kept["key "+name] = ""
	}
	return kept
}

func transitKeys(t testing.TB, client *api.Client, mount string) []string {
	t.Helper()
	answer, err := client.Logical().ListWithContext(t.Context(), mount+"/keys")
	ok(t, err)
	listed, _ := answer.Data["keys"].([]any)
	if len(listed) == 0 {
		t.Fatal("no keys in Vault")
	}
	var names []string
	for _, name := range listed {
		name, _ := name.(string)
		names = append(names, name)
	}
	return names
}
