package config

import (
	"fmt"
	"time"
)

// Connections bound what clients' connections, and the messages on them, may take.
// They take effect at a start.
type Connections struct {
	// Max is how many connections may be open at once; 4096 where empty. Further
	// ones are neither refused nor answered until one of them ends.
	Max int `yaml:"max"`
	// Streams is how many calls may be under way on one connection; 256 where
	// empty. A client's further calls wait on its side.
	Streams int `yaml:"streams"`
	// MessageSize is how large a request, or one message of an upload, may be; 1 MiB
	// where empty. Answers are not bounded by it.
	MessageSize Size `yaml:"message_size"`
	// HandshakeTimeout is how long a connection may take until it is ready for
	// calls; 10s where empty.
	HandshakeTimeout time.Duration `yaml:"handshake_timeout"`
	// IdleTimeout is how long a connection may be without a call; 5m where empty.
	IdleTimeout time.Duration `yaml:"idle_timeout"`
	// MaxAge is how long a connection takes new calls; 1h where empty. An authority
	// that is no longer trusted stays so long on the connections that exist.
	MaxAge time.Duration `yaml:"max_age"`
	// MaxAgeGrace is how long its calls may go on after that; 35m where empty.
	MaxAgeGrace time.Duration `yaml:"max_age_grace"`
	// MinPingInterval is the most often a client may ping; 10s where empty. One that
	// does more often loses its connection.
	MinPingInterval time.Duration `yaml:"min_ping_interval"`
	// PingAfter is how long a client may be silent before the server pings it; 1m
	// where empty.
	PingAfter time.Duration `yaml:"ping_after"`
	// PingTimeout is how long its answer may take before its connection is closed;
	// 20s where empty.
	PingTimeout time.Duration `yaml:"ping_timeout"`
}

const (
	mostConnections = 1_000_000
	mostStreams     = 65_536
	// leastMessage is above every message of an upload: clients send 32 KiB in one.
	leastMessage = 64 << 10
	// mostMessage is what clients take as an answer: what was sent as one request
	// must come back as one.
	mostMessage = 8 << 20
)

func (r *rules) connections(c Connections) {
	for _, b := range []struct {
		key     string
		n, most int
	}{{"max", c.Max, mostConnections}, {"streams", c.Streams, mostStreams}} {
		r.must(b.n >= 0 && b.n <= b.most, "connections."+b.key, fmt.Sprintf("must be from 1 to %d, or 0 for the default", b.most))
	}
	r.must(c.MessageSize == 0 || c.MessageSize >= leastMessage && c.MessageSize <= mostMessage,
		"connections.message_size", "must be from 64 KiB to 8 MiB, or 0 for the default")
	for _, b := range []struct {
		key         string
		d           time.Duration
		least, most time.Duration
		rule        string
	}{
		{"handshake_timeout", c.HandshakeTimeout, time.Second, time.Minute, "from 1s to 1m"},
		{"idle_timeout", c.IdleTimeout, 10 * time.Second, 24 * time.Hour, "from 10s to 24h"},
		{"max_age", c.MaxAge, time.Minute, 24 * time.Hour, "from 1m to 24h"},
		{"max_age_grace", c.MaxAgeGrace, time.Second, 24 * time.Hour, "from 1s to 24h"},
		// Package client pings every 30 seconds while it waits for an answer.
		{"min_ping_interval", c.MinPingInterval, time.Second, 20 * time.Second, "from 1s to 20s"},
		{"ping_after", c.PingAfter, 10 * time.Second, time.Hour, "from 10s to 1h"},
		{"ping_timeout", c.PingTimeout, time.Second, time.Minute, "from 1s to 1m"},
	} {
		r.must(b.d == 0 || b.d >= b.least && b.d <= b.most, "connections."+b.key, "must be "+b.rule+", or 0 for the default")
	}
}
