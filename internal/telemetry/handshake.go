package telemetry

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"syscall"

	"google.golang.org/grpc/credentials"
)

// Credentials counts the connections that fail before there is any call: clients
// without a certificate, or with one that is not taken.
func (t *Telemetry) Credentials(c credentials.TransportCredentials) credentials.TransportCredentials {
	if t == nil || t.metrics == nil {
		return c
	}
	return handshakes{c, t}
}

type handshakes struct {
	credentials.TransportCredentials
	t *Telemetry
}

// ServerHandshake does it and counts.
func (h handshakes) ServerHandshake(c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := h.TransportCredentials.ServerHandshake(c)
	if err != nil {
		if reason := failure(err); reason != "" {
			h.t.Refused(reason)
		}
	}
	return conn, info, err
}

// Clone keeps the counting.
func (h handshakes) Clone() credentials.TransportCredentials {
	return handshakes{h.TransportCredentials.Clone(), h.t}
}

// Reasons of handshakes that failed, beside those in answers to calls.
const (
	reasonCertificate = "CERTIFICATE_NOT_TAKEN"
	reasonHandshake   = "HANDSHAKE_FAILED"
)

// failure says why a handshake failed; nothing of one that its client gave up, as
// those do that only try whether the port is open.
func failure(err error) string {
	var slow net.Error
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.As(err, &slow) && slow.Timeout() {
		return ""
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return reasonCertificate
	}
	return reasonHandshake
}
