package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
)

// houseOfFiles are the back ends of a deployment on files.
const houseOfFiles = `
keyring: {dir: keys}
embedded: {file: store.db}
audit: {spool_file: spool.db, file: locked.db}
`

// TestSweepTellsItsMetrics asks a sweeper that goes on and on, as Prometheus does,
// and looks that one sweep alone does not listen.
func TestSweepTellsItsMetrics(t *testing.T) {
	t.Parallel()
	h := newHouse(t, houseOfFiles)
	text, err := os.ReadFile(h.config)
	if err != nil {
		t.Fatal(err)
	}
	watched := h.write(t, "watched.yaml", strings.Replace(string(text), "log: {level: warn}", "telemetry: {listen: 127.0.0.1:0}", 1))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r := start(ctx, "sweep", "--config", watched, "--every", "1h")
	address := ""
	r.wait(t, func(logged string) bool {
		for line := range strings.Lines(logged) {
			var record struct{ Msg, Address string }
			if json.Unmarshal([]byte(line), &record) == nil && record.Msg == "metrics and health are told" {
				address = record.Address
			}
		}
		return address != "" && strings.Contains(logged, `"resumed":0`)
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	metrics, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	// What it puts on record is watched like a server's.
	for _, want := range []string{`wertfach_sweeps_total{outcome="ok"} 1`, "wertfach_ready 1", `wertfach_part_ready{part="audit"} 1`, "wertfach_audit_refusing 0"} {
		if !strings.Contains(string(metrics), want+"\n") {
			t.Errorf("%d, without %s:\n%s", answer.StatusCode, want, metrics)
		}
	}
	stop()
	if code := <-r.ended; code != exitOK {
		t.Errorf("sweep --every ended with %d\n%s", code, r.logged())
	}
	if once := expect(t, exitOK, nil, "sweep", "--config", watched); strings.Contains(once.err, "metrics and health") {
		t.Errorf("a single sweep listens:\n%s", once.err)
	}
}
