package config

import (
	"net"
	"net/netip"
	"unicode"
	"unicode/utf8"
)

// Telemetry is what the process tells about how it works. It holds no customer's
// data, and no caller's.
type Telemetry struct {
	// Listen is the address of /metrics, /healthz and /readyz, "host:port"; none
	// where empty. It speaks plain HTTP and asks nobody who they are: give it a
	// loopback address, or one that a private network alone reaches. An empty
	// host, or 0.0.0.0, which would be every address, is refused.
	Listen string `yaml:"listen"`
	// OTLPEndpoint is the collector that traces go to, by OTLP over HTTP,
	// https://host:port; none where empty. Plain http is taken for loopback
	// addresses only.
	OTLPEndpoint string `yaml:"otlp_endpoint"`
	// OTLPCAFile holds the authorities, PEM, that the collector's certificate may
	// come from; those of the system where empty.
	OTLPCAFile string `yaml:"otlp_ca_file"`
	// SampleRatio is how many of all calls are traced, above 0 and at most 1; 0.01
	// where empty.
	SampleRatio float64 `yaml:"sample_ratio"`
	// ServiceName is who the process is in the traces; wertfach where empty.
	ServiceName string `yaml:"service_name"`
}

const (
	defaultSampleRatio = 0.01
	defaultServiceName = "wertfach"
	maxServiceName     = 64 // characters
)

// complete fills in what was left empty.
func (t *Telemetry) complete() {
	if t.SampleRatio == 0 {
		t.SampleRatio = defaultSampleRatio
	}
	if t.ServiceName == "" {
		t.ServiceName = defaultServiceName
	}
}

func (r *rules) telemetry(t Telemetry) {
	if t.Listen != "" {
		r.must(address(t.Listen), "telemetry.listen", "must be host:port")
		if host, _, err := net.SplitHostPort(t.Listen); err == nil {
			ip, _ := netip.ParseAddr(host)
			r.must(host != "" && !ip.IsUnspecified(), "telemetry.listen", "must name one address, not all of the machine's")
		}
	}
	if t.OTLPEndpoint != "" {
		r.server("telemetry.otlp_endpoint", t.OTLPEndpoint)
	}
	// Written so that NaN breaks it too.
	r.must(t.SampleRatio > 0 && t.SampleRatio <= 1, "telemetry.sample_ratio", "must be above 0 and at most 1")
	r.must(utf8.RuneCountInString(t.ServiceName) <= maxServiceName && printable(t.ServiceName),
		"telemetry.service_name", "must have at most 64 characters, all printable")
}

func printable(s string) bool {
	for _, c := range s {
		if !unicode.IsPrint(c) {
			return false
		}
	}
	return true
}
