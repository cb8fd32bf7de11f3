package testenv

import (
	"encoding/json"
	"time"
)

// Toxic is a fault on the way between a client and a server. Unless it says
// otherwise it is on what the server sends.
type Toxic struct {
	kind, stream string
	attributes   map[string]int64
}

func toxic(kind, attribute string, value int64) Toxic {
	return Toxic{kind: kind, stream: "downstream", attributes: map[string]int64{attribute: value}}
}

// Latency delays everything by that long.
func Latency(d time.Duration) Toxic { return toxic("latency", "latency", d.Milliseconds()) }

// Silence lets nothing pass and keeps connections open.
func Silence() Toxic { return toxic("timeout", "timeout", 0) }

// Reset ends connections with RST as soon as there is something to pass on.
func Reset() Toxic { return toxic("reset_peer", "timeout", 0) }

// Cut closes a connection after that many bytes.
func Cut(bytes int64) Toxic { return toxic("limit_data", "bytes", bytes) }

// Bandwidth lets that many KiB a second pass.
func Bandwidth(kib int64) Toxic { return toxic("bandwidth", "rate", kib) }

// Upstream is the same fault on what the client sends.
func (t Toxic) Upstream() Toxic {
	t.stream = "upstream"
	return t
}

// MarshalJSON is what toxiproxy wants to be told. Of each kind and direction a
// proxy has one.
func (t Toxic) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{
		"name": t.kind + "_" + t.stream, "type": t.kind, "stream": t.stream, "attributes": t.attributes,
	})
}
