package transit_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wertfach/wertfach/vault"
)

// TestUnwrapAllAsksOneByOne: no request is a batch, several are under way at
// once, never more than the bound, and the answers come in order.
func TestUnwrapAllAsksOneByOne(t *testing.T) {
	t.Parallel()
	const several, atOnce = 64, 16
	var now, most atomic.Int32
	full := make(chan struct{})
	var fill sync.Once
	keys := oddVault(t, func(w http.ResponseWriter, r *http.Request) {
		defer now.Add(-1)
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
			if n == atOnce {
				fill.Do(func() { close(full) })
			}
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || strings.Contains(string(body), "batch_input") || !strings.Contains(string(body), `"context"`) {
			t.Errorf("asked for %s, %v", body, err)
		}
		<-full // the first ones wait until there are as many as may be
		_, rest, _ := strings.Cut(string(body), "vault:v")
		version, _, _ := strings.Cut(rest, ":")
		n, err := strconv.Atoi(version)
		if err != nil {
			t.Error(err)
		}
		answer := make([]byte, vault.DataKeySize)
		answer[0] = byte(n)
		fmt.Fprintf(w, `{"data":{"plaintext":%q}}`, base64.StdEncoding.EncodeToString(answer))
	})
	var wrapped [][]byte
	for i := range several {
		wrapped = append(wrapped, fmt.Appendf(nil, "vault:v%d:AAAA", i+1))
	}
	plain, err := keys.UnwrapAll(t.Context(), "bank-alice", vault.Dossier, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range plain {
		if int(p[0]) != i+1 {
			t.Errorf("in place %d there is the answer to number %d", i+1, p[0])
		}
	}
	if len(plain) != several {
		t.Errorf("%d answers", len(plain))
	}
	if most.Load() != atOnce {
		t.Errorf("%d at once, want %d", most.Load(), atOnce)
	}
}

// TestUnwrapAllStopsAtTheFirstRefusal: what is left is not asked for, nothing is
// given, and the error is that of the refusal.
func TestUnwrapAllStopsAtTheFirstRefusal(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	keys := oddVault(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"errors":["encryption key not found"]}`)
	})
	wrapped := make([][]byte, 1000)
	for i := range wrapped {
		wrapped[i] = []byte("vault:v1:AAAA")
	}
	plain, err := keys.UnwrapAll(t.Context(), "bank-alice", vault.Dossier, wrapped)
	if !errors.Is(err, vault.ErrNotFound) || plain != nil {
		t.Errorf("%d answers, %v", len(plain), err)
	}
	if n := asked.Load(); n > 100 {
		t.Errorf("asked %d times after it was refused", n)
	}
}
