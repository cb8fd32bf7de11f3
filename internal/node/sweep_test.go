package node_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/retention"
	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/custodytest"
	"github.com/wertfach/wertfach/internal/node"
	"github.com/wertfach/wertfach/vault/keyring"
)

// TestServerThatSweeps erases what is due by itself, has it on record as its own
// doing, and ends cleanly in the middle of it all.
func TestServerThatSweeps(t *testing.T) {
	t.Parallel()
	id, log := newIdentity(t), newJournal()
	c := embedded(t, id)
	c.Sweep.Every = 5 * time.Millisecond
	for _, class := range []retention.Class{retention.Artefacts, retention.Customer} {
		c.Retention = append(c.Retention, config.Retention{Class: class, Period: "P0D", Alignment: retention.Exact})
	}
	n, err := node.Start(t.Context(), node.Options{Config: c, Prepare: true, Log: log.logger, Principal: "process://here/me"})
	if err != nil {
		t.Fatal(err)
	}
	specimens := custodytest.NewSpecimens(7)
	berlin, err := time.LoadLocation(config.DefaultTimeZone)
	if err != nil {
		t.Fatal(err)
	}
	var last resource.Customer
	for i := range 10 {
		last = resource.Customer{Institute: resource.Institute{ID: c.Institutes[0].ID}, ID: "c-" + string(rune('a'+i))}
		if _, err := n.Custodian().Enrol(t.Context(), last, custody.Enrolment{Values: specimens.PlainCustomer(), Services: custodytest.Services()}); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Custodian().Terminate(t.Context(), last, time.Now().In(berlin).Format(time.DateOnly), "moved", custody.Request{}); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		_, err := n.Custodian().Customer(t.Context(), last)
		if fault.KindOf(err) == fault.NotFound {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody has erased who is due: ", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		t.Error(err)
	}
	logged := log.String()
	if !strings.Contains(logged, "swept") || strings.Contains(strings.ReplaceAll(logged, keyring.Warning, ""), "broke off") || strings.Contains(logged, "not closed") {
		t.Errorf("it logged\n%s", logged)
	}
}

// TestAgain: it goes on until it is told to stop, or what it does fails.
func TestAgain(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	runs := 0
	err := node.Again(ctx, time.Millisecond, func(context.Context) error {
		if runs++; runs == 3 {
			stop()
		}
		return nil
	})
	if err != nil || runs != 3 {
		t.Errorf("%v after %d", err, runs)
	}
	failed := errors.New("failed")
	if err := node.Again(t.Context(), time.Hour, func(context.Context) error { return failed }); !errors.Is(err, failed) {
		t.Error(err)
	}
}
