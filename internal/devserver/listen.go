package devserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/wertfach/wertfach/internal/config"
)

// address is a host and a port. The host may be "localhost".
type address struct{ host, port string }

func (a address) String() string { return net.JoinHostPort(a.host, a.port) }

// parseAddress takes loopback addresses only.
func parseAddress(s string) (address, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return address{}, errors.New("the address to listen on must be host:port")
	}
	if !config.Loopback(host) {
		return address{}, ErrNotLoopback
	}
	return address{host, port}, nil
}

// listen writes the profiles and listens. Where the port is known beforehand
// the profiles are there before anybody can connect.
func (d *Dev) listen(ctx context.Context, a address, anyPort bool) (net.Listener, error) {
	if a.port != "0" {
		if err := d.certificates.writeProfiles(a.String()); err != nil {
			return nil, err
		}
	}
	var listening net.ListenConfig
	l, err := listening.Listen(ctx, "tcp", a.String())
	if anyPort && errors.Is(err, syscall.EADDRINUSE) {
		l, err = listening.Listen(ctx, "tcp", address{a.host, "0"}.String())
	}
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	// "localhost" is only a name, and may be made to lead elsewhere.
	tcp, ok := l.Addr().(*net.TCPAddr)
	if !ok || !tcp.IP.IsLoopback() {
		return nil, errors.Join(ErrNotLoopback, l.Close())
	}
	a.port = fmt.Sprint(tcp.Port)
	d.address = a.String()
	if err := d.certificates.writeProfiles(d.address); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}
