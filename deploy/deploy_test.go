package deploy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/deploy"
)

var everybody = append(deploy.Lasting(), deploy.Init)

// TestUsualNamesAreThoseOfTheFiles: with nothing chosen the shipped files come
// out, byte for byte.
func TestUsualNamesAreThoseOfTheFiles(t *testing.T) {
	t.Parallel()
	for _, id := range everybody {
		for file, got := range map[string]string{
			"vault/" + string(id) + ".hcl": deploy.Vault{}.Policy(id),
			"s3/" + string(id) + ".json":   deploy.Buckets{}.Policy(id),
		} {
			want, err := os.ReadFile(filepath.FromSlash(file))
			if err != nil || got != string(want) {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

// TestEveryFileIsOfAnIdentity: none is shipped that nobody installs.
func TestEveryFileIsOfAnIdentity(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"vault/*", "s3/*"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) != len(everybody) {
			t.Errorf("%s: %q, %v", pattern, files, err)
		}
	}
}

var path = regexp.MustCompile(`(?m)^path "([^"]*)"`)

// TestChosenMounts: every path is below a chosen mount, or is Vault's own.
func TestChosenMounts(t *testing.T) {
	t.Parallel()
	for _, id := range everybody {
		text := deploy.Vault{Transit: "bank/keys", AppRole: "machines"}.Policy(id)
		for _, found := range path.FindAllStringSubmatch(text, -1) {
			p := found[1]
			known := strings.HasPrefix(p, "bank/keys/") || p == "sys/mounts/bank/keys" || p == "sys/auth/machines" ||
				strings.HasPrefix(p, "auth/machines/role/wertfach-") || strings.HasPrefix(p, "sys/policies/acl/wertfach-") ||
				strings.HasPrefix(p, "auth/token/") && strings.HasSuffix(p, "-self")
			if !known {
				t.Errorf("%s: path %s", id, p)
			}
		}
	}
}

// TestChosenBuckets: every resource is in a chosen bucket, also where one name
// begins the other; and the documents are such that MinIO and AWS read them.
func TestChosenBuckets(t *testing.T) {
	t.Parallel()
	for _, b := range []deploy.Buckets{{Data: "data", Audit: "log"}, {Data: "log", Audit: "log-2"}, {Data: "wertfach-audit", Audit: "wertfach"}} {
		for _, id := range everybody {
			var policy struct {
				Version   string
				Statement []struct {
					Sid, Effect      string
					Action, Resource []string
				}
			}
			if err := json.Unmarshal([]byte(b.Policy(id)), &policy); err != nil || policy.Version != "2012-10-17" {
				t.Fatalf("%s: %v", id, err)
			}
			var seen []string
			for _, s := range policy.Statement {
				if s.Effect != "Allow" || s.Sid == "" {
					t.Errorf("%s: statement %+v", id, s)
				}
				for _, resource := range s.Resource {
					bucket, _, _ := strings.Cut(strings.TrimPrefix(resource, "arn:aws:s3:::"), "/")
					seen = append(seen, bucket)
				}
				for _, action := range s.Action {
					if strings.Contains(action, "*") || strings.Contains(action, "Bypass") || strings.Contains(action, "DeleteObjectVersion") {
						t.Errorf("%s: action %s", id, action)
					}
				}
			}
			slices.Sort(seen)
			if want := slices.Sorted(slices.Values([]string{b.Data, b.Audit})); !slices.Equal(slices.Compact(seen), want) {
				t.Errorf("%s: buckets %q, want %q", id, slices.Compact(seen), want)
			}
		}
	}
}

// TestOnlyTheSweeperDestroys holds the sentence that everything else stands on to
// the files themselves.
func TestOnlyTheSweeperDestroys(t *testing.T) {
	t.Parallel()
	for _, id := range everybody {
		text := deploy.Vault{}.Policy(id)
		for _, word := range []string{`"delete"`, "deletion_allowed"} {
			if got := strings.Contains(text, word); got != (id == deploy.Sweeper) {
				t.Errorf("%s: %s in its policy: %t", id, word, got)
			}
		}
		if strings.Contains(text, "batch_input") && id != deploy.Server { // which denies it
			t.Errorf("%s: speaks of batches", id)
		}
	}
}
