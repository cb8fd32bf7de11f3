package config

import (
	"errors"
	"strings"
	"testing"
)

func TestTelemetry(t *testing.T) {
	t.Parallel()
	for text, broken := range map[string]string{
		"{}":                                     "",
		"{listen: 127.0.0.1:9464}":               "",
		"{listen: '[fd00::7]:9464'}":             "",
		"{listen: metrics.internal:0}":           "",
		"{listen: ':9464'}":                      "telemetry.listen",
		"{listen: 0.0.0.0:9464}":                 "telemetry.listen",
		"{listen: '[::]:9464'}":                  "telemetry.listen",
		"{listen: 127.0.0.1}":                    "telemetry.listen",
		"{otlp_endpoint: https://otel.example}":  "",
		"{otlp_endpoint: http://127.0.0.1:4318}": "",
		"{otlp_endpoint: http://otel.example}":   "telemetry.otlp_endpoint",
		"{otlp_endpoint: otel.example:4318}":     "telemetry.otlp_endpoint",
		"{otlp_endpoint: https://a/v1/traces}":   "telemetry.otlp_endpoint",
		"{sample_ratio: 1}":                      "",
		"{sample_ratio: 1e-4}":                   "",
		"{sample_ratio: 1.1}":                    "telemetry.sample_ratio",
		"{sample_ratio: -0.1}":                   "telemetry.sample_ratio",
		"{sample_ratio: .nan}":                   "telemetry.sample_ratio",
		"{sample_ratio: few}":                    "telemetry.sample_ratio",
		"{service_name: wertfach-two}":           "",
		`{service_name: "a\nb"}`:                 "telemetry.service_name",
	} {
		_, err := load(t, minimal+"telemetry: "+text)
		var e *Error
		switch {
		case broken == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case broken != "" && (!errors.As(err, &e) || len(e.Problems) != 1 || e.Problems[0].Key != broken):
			t.Errorf("%s: got %v, want a problem with %s", text, err, broken)
		}
	}
}

// TestTelemetryDefaults: nothing is told unless it is asked for.
func TestTelemetryDefaults(t *testing.T) {
	t.Parallel()
	want := Telemetry{SampleRatio: 0.01, ServiceName: "wertfach"}
	if got := mustLoad(t, minimal).Telemetry; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	_, err := load(t, minimal+"telemetry: {sample_ratio: few}")
	if err == nil || !strings.Contains(err.Error(), "a number") {
		t.Errorf("got %v", err)
	}
}
