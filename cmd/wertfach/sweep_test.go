package main

import (
	"maps"
	"testing"
	"time"

	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/node"
)

// TestSweepDryRun says what a sweep would do, also beside a process that has the
// spool; and the sweep then does that.
func TestSweepDryRun(t *testing.T) {
	t.Parallel()
	for name, h := range houses(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h.enrol(t, "musterbank", "c1", "c2")
			zone, err := time.LoadLocation(config.DefaultTimeZone)
			if err != nil {
				t.Fatal(err)
			}
			today := time.Now().In(zone).Format(time.DateOnly)
			end := func(id string) {
				h.with(t, h.config, func(_ *node.Backends, c *custody.Custodian) {
					customer := resource.Customer{Institute: resource.Institute{ID: "musterbank"}, ID: id}
					if _, err := c.Terminate(t.Context(), customer, today, "moved", custody.Request{}); err != nil {
						t.Fatal(err)
					}
				})
			}
			if got := reported[dryReport](t, exitOK, "sweep", "--config", h.config, "--dry-run"); !got.DryRun || got.sweepReport != (sweepReport{}) || len(got.Classes) > 0 {
				t.Errorf("nothing is due, and it found %+v", got)
			}
			end("c1")
			for range 2 {
				got := reported[dryReport](t, exitOK, "sweep", "--config", h.config, "--dry-run")
				if got.sweepReport != (sweepReport{Shed: 1, OldestDue: today}) || !maps.Equal(got.Classes, map[string]int{"secrets": got.Classes["secrets"]}) || got.Classes["secrets"] < 2 {
					t.Errorf("found %+v", got)
				}
			}
			if got := reported[sweepReport](t, exitOK, "sweep", "--config", h.config); got != (sweepReport{Shed: 1}) {
				t.Errorf("a sweep did %+v", got)
			}
			expect(t, exitUsage, []string{"--dry-run and --every"}, "sweep", "--config", h.config, "--dry-run", "--every", "1m")
			if name == "embedded" {
				return // one process at a time
			}
			end("c2")
			h.with(t, h.config, func(b *node.Backends, c *custody.Custodian) {
				log, err := b.Audit(t.Context(), c, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer log.Close(t.Context())
				if got := reported[dryReport](t, exitOK, "sweep", "--config", h.config, "--dry-run"); got.Shed != 1 {
					t.Errorf("beside a sweeper it found %+v", got)
				}
			})
		})
	}
}
