package telemetry

import (
	"fmt"
	"net/http"
	"strings"
)

// Health is whether a process could do its work now.
type Health struct {
	// Ready says that it could.
	Ready bool
	// Phase is "starting" or "stopping"; empty in between.
	Phase string
	// Parts are the things that it needs.
	Parts []Part
}

// Part is one of the things that a process needs.
type Part struct {
	// Name is a word of ours: "keys", "objects", "audit". It is no address.
	Name string
	// Ready says that it can be used now.
	Ready bool
}

// String is a line for each part, "keys ready", or the phase.
func (h Health) String() string {
	if h.Phase != "" {
		return h.Phase + "\n"
	}
	var b strings.Builder
	for _, p := range h.Parts {
		state := "away"
		if p.Ready {
			state = "ready"
		}
		fmt.Fprintln(&b, p.Name, state)
	}
	return b.String()
}

// ServeHTTP answers a probe: 200 where all is ready, else 503.
func (h Health) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if !h.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write([]byte(h.String())) // a probe that went away has its answer
}
