package node

import (
	"cmp"

	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/server"
	"github.com/wertfach/wertfach/server/limit"
)

// limits are the bounds for machines and for people that a configuration asks for.
func limits(c config.Calls) (machines, people limit.Rates) {
	return rates(c.Machine, limit.Machines()), rates(c.Person, limit.People())
}

func rates(asked config.Rates, or limit.Rates) limit.Rates {
	return limit.Rates{
		Read: cmp.Or(asked.Read, or.Read), Write: cmp.Or(asked.Write, or.Write),
		Reveal: cmp.Or(asked.Reveal, or.Reveal), Verify: cmp.Or(asked.Verify, or.Verify), Burst: or.Burst,
		Concurrent: cmp.Or(asked.Concurrent, or.Concurrent), Streams: cmp.Or(asked.Streams, or.Streams),
	}
}

// connections are the bounds of the transport that a configuration asks for; what
// it leaves open is zero, and the server's default.
func connections(c config.Connections) server.Connections {
	return server.Connections{
		Max: c.Max, Streams: c.Streams, MessageSize: int(c.MessageSize), HandshakeTimeout: c.HandshakeTimeout, IdleTimeout: c.IdleTimeout,
		MaxAge: c.MaxAge, MaxAgeGrace: c.MaxAgeGrace,
		MinPingInterval: c.MinPingInterval, PingAfter: c.PingAfter, PingTimeout: c.PingTimeout,
	}
}
