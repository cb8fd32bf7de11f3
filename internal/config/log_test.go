package config

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestLogger(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		log   Log
		want  string
		lines int
	}{
		{Log{Level: "info", Format: "json"}, `"level":"INFO","msg":"call","took":"1.5s"`, 2},
		{Log{Level: "warn", Format: "text"}, `level=WARN msg=warned`, 1},
		{Log{Level: "debug", Format: "text"}, `level=DEBUG msg=looked`, 3},
		{Log{Level: "error", Format: "json"}, "", 0},
		{Log{}, `"msg":"warned"`, 2},
	} {
		var out bytes.Buffer
		l := test.log.Logger(&out)
		l.Debug("looked")
		l.Info("call", "took", 1500*time.Millisecond)
		l.Warn("warned")
		if n := strings.Count(out.String(), "\n"); n != test.lines || !strings.Contains(out.String(), test.want) {
			t.Errorf("%+v: got\n%s", test.log, &out)
		}
	}
}
