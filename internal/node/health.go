package node

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/wertfach/wertfach/internal/telemetry"
)

// Check is one of the things that a server needs.
type Check struct {
	// Name is a word of ours for it: "keys", "objects", "audit".
	Name string
	// Probe is nil if it can be used now.
	Probe func(context.Context) error
}

const (
	// probeAge is how old the answer of a probe may be: whoever polls more often,
	// or however many do, costs Vault and the store a request a second.
	probeAge = time.Second
	// probeTime is how long a probe may take before what it asks counts as away. It
	// is below the two seconds that probes of ours commonly get.
	probeTime = 1800 * time.Millisecond
)

// Health is whether a server could do its work now. It asks, and remembers the
// answer for a second; it answers within two. It is safe for concurrent use.
type Health struct {
	log *slog.Logger

	mu    sync.Mutex
	phase string
	parts []*part
}

// NewHealth makes the health of a process that is starting: it is not ready. What
// goes away and comes back is logged once.
func NewHealth(log *slog.Logger) *Health { return &Health{log: log, phase: "starting"} }

// Started says what health depends on from now on.
func (h *Health) Started(checks ...Check) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.phase, h.parts = "", nil
	for _, c := range checks {
		h.parts = append(h.parts, &part{Check: c, log: h.log})
	}
}

// Stopping says that the process takes no further work. Nothing is asked any more.
func (h *Health) Stopping() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.phase, h.parts = "stopping", nil
}

// State is the health now. It names what is away.
func (h *Health) State(ctx context.Context) telemetry.Health {
	h.mu.Lock()
	phase, parts := h.phase, h.parts
	h.mu.Unlock()
	state := telemetry.Health{Ready: phase == "", Phase: phase}
	asked := make([]<-chan struct{}, len(parts))
	for i, p := range parts {
		asked[i] = p.ask(ctx)
	}
	patience := time.NewTimer(probeTime)
	defer patience.Stop()
	for i, p := range parts {
		select {
		case <-asked[i]:
		case <-patience.C:
			patience.Reset(0) // for those that follow too
		case <-ctx.Done():
		}
		up := p.up()
		state.Parts = append(state.Parts, telemetry.Part{Name: p.Name, Ready: up})
		state.Ready = state.Ready && up
	}
	return state
}

// Ready is nil if the process could do its work now. The error names what is away.
func (h *Health) Ready(ctx context.Context) error {
	state := h.State(ctx)
	if state.Ready {
		return nil
	}
	if state.Phase != "" {
		return errors.New("the server is " + state.Phase)
	}
	var away []string
	for _, p := range state.Parts {
		if !p.Ready {
			away = append(away, p.Name)
		}
	}
	return errors.New("away: " + strings.Join(away, ", "))
}

// part is what is known of one of the things.
type part struct {
	Check
	log *slog.Logger

	mu      sync.Mutex
	asking  chan struct{} // closed when the probe under way has ended; nil without one
	answer  error         // of the last probe
	at      time.Time     // when that was begun
	ended   bool          // whether there ever was an answer
	waiting time.Time     // when the probe under way was begun
	away    bool          // what was logged last
}

// ask begins a probe where the last answer is too old and none is under way. The
// channel is closed once there is an answer.
func (p *part) ask(ctx context.Context) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	switch {
	case p.asking != nil && now.Sub(p.waiting) < probeTime:
		return p.asking
	case p.asking != nil, p.ended && now.Sub(p.at) < probeAge:
		return closed() // a probe that does not end is not waited for, nor begun anew
	}
	p.asking, p.waiting = make(chan struct{}), now
	go p.probe(context.WithoutCancel(ctx), p.asking, now)
	return p.asking
}

// probe asks. The answer is for all who wait, so it does not end with one of them.
func (p *part) probe(ctx context.Context, asking chan struct{}, begun time.Time) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	err := p.Probe(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asking, p.answer, p.at, p.ended = nil, err, begun, true
	close(asking)
}

// up says whether the thing can be used, as far as is known, and logs a change.
func (p *part) up() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.answer
	switch {
	case p.asking != nil && time.Since(p.waiting) >= probeTime:
		err = errNoAnswer
	case p.asking != nil, !p.ended:
		return false // whoever asked went away before there was an answer
	}
	switch {
	case err != nil && !p.away:
		p.log.Warn("not ready: something that the server needs is away", slog.String("part", p.Name), slog.Any("cause", err))
	case err == nil && p.away:
		p.log.Info("it can be used again", slog.String("part", p.Name))
	}
	p.away = err != nil
	return err == nil
}

var errNoAnswer = errors.New("no answer in time")

func closed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}
