package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/audit"
	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/internal/node"
)

// TestAuditRetire closes the chain of a server that is gone, as who comes back
// after a while would.
func TestAuditRetire(t *testing.T) {
	t.Parallel()
	h := newHouse(t, houseOfFiles)
	chain := h.abandoned(t, time.Now().Add(-time.Hour))
	nobody := chain[:len("20060102-")] + strings.Repeat("a", len(chain)-len("20060102-"))
	for _, says := range []string{"closed\n", "was closed already\n"} {
		if r := expect(t, exitOK, nil, "audit", "retire", chain, "--config", h.config); r.out != says {
			t.Errorf("it says %q, want %q", r.out, says)
		}
	}
	expect(t, exitNotFound, []string{"no such chain"}, "audit", "retire", nobody, "--config", h.config)
}

// abandoned writes the chain of a server that died at that time, and whose disk is
// destroyed.
func (h *vaultHouse) abandoned(t *testing.T, died time.Time) (chain string) {
	t.Helper()
	h.with(t, h.config, func(b *node.Backends, c *custody.Custodian) {
		log, err := b.Audit(t.Context(), c, func() time.Time { return died })
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Record(t.Context(), audit.Event{ID: "a", Action: "X/Y", Institute: "musterbank", Code: "OK"}, audit.Locked); err != nil {
			t.Fatal(err)
		}
		dead, kill := context.WithCancel(t.Context())
		kill()
		if err := log.Close(dead); err == nil {
			t.Fatal("it was closed in order")
		}
		if err := os.Remove(filepath.Join(h.dir, "spool.db")); err != nil {
			t.Fatal(err)
		}
		report, err := b.Events().Verify(t.Context(), time.Time{}, time.Now())
		if err != nil || len(report.Chains) != 1 {
			t.Fatal(report, err)
		}
		chain = report.Chains[0].ID
	})
	return chain
}
