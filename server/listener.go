package server

import (
	"net"
	"sync"
	"time"
)

// places are those that connections can take; one is in it for each that is open.
type places chan struct{}

// fullEvery is how often at most it is said that all places are taken.
const fullEvery = time.Minute

// bounded is a listener whose connections each take a place and give it back when
// they are closed. While there is none free it takes no further connection: the
// system keeps those in its queue, where they cost nothing of ours.
type bounded struct {
	net.Listener
	places places
	full   func() // told that further connections wait, once in fullEvery at most
	told   time.Time
	closed chan struct{}
	close  func() error
}

// bound makes a bounded listener. Accept is not for concurrent use.
func bound(l net.Listener, p places, full func()) *bounded {
	closed := make(chan struct{})
	return &bounded{Listener: l, places: p, full: full, closed: closed, close: sync.OnceValue(func() error {
		close(closed)
		return l.Close()
	})}
}

// Accept waits for a place, and then for a connection.
func (b *bounded) Accept() (net.Conn, error) {
	select {
	case b.places <- struct{}{}:
	default:
		if time.Since(b.told) >= fullEvery {
			b.told = time.Now()
			b.full()
		}
		select {
		case b.places <- struct{}{}:
		case <-b.closed:
			return nil, net.ErrClosed
		}
	}
	conn, err := b.Listener.Accept()
	if err != nil {
		<-b.places
		return nil, err
	}
	return &placed{Conn: conn, leave: sync.OnceFunc(func() { <-b.places })}, nil
}

// Close closes the listener, also for who waits for a place. Connections that are
// open go on.
func (b *bounded) Close() error { return b.close() }

// placed is a connection that has a place.
type placed struct {
	net.Conn
	leave func()
}

// Close gives the place back; it may be called again.
func (p *placed) Close() error {
	defer p.leave()
	return p.Conn.Close()
}
