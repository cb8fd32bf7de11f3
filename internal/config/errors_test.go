package config

import (
	"errors"
	"strings"
	"testing"
)

// leaked stands for a secret in the wrong place. No error may hold it.
const leaked = "hunter2-s3cret"

func TestErrors(t *testing.T) {
	t.Parallel()
	swap := func(text, old, new string) string {
		t.Helper()
		if !strings.Contains(text, old) {
			t.Fatalf("nothing to replace: %s", old)
		}
		return strings.Replace(text, old, new, 1)
	}
	for name, test := range map[string]struct {
		text string
		want string // "line: key rule" as Problem says it, from the beginning
	}{
		"empty":             {"", "the file is empty"},
		"a comment":         {"# nothing\n", "the file is empty"},
		"not YAML":          {"listen: [" + leaked, "the file is not YAML (line 1)"},
		"a list":            {"- " + leaked, "line 1: must be a section with keys"},
		"a word":            {leaked, "line 1: must be a section with keys"},
		"two documents":     {minimal + "---\nlisten: x\n", "the file must hold a single YAML document"},
		"unknown key":       {minimal + "lisen: " + leaked, "line 14: lisen is not a key; known here are listen, tls,"},
		"unknown inside":    {swap(minimal, "dir: keys", "path: keys"), "line 10: keyring.path is not a key; known here are dir, master_key_file"},
		"unknown in a list": {swap(minimal, "- id: musterbank", "- name: musterbank"), "line 8: institutes[0].name is not a key"},
		"value as key":      {minimal + "? '" + leaked + " x'\n: y", "line 14: (unreadable) is not a key"},
		"twice":             {minimal + "listen: 127.0.0.1:1", "line 14: listen is given twice"},
		"anchor":            {swap(minimal, "dir: keys", "dir: &a keys"), "line 10: keyring.dir must not use anchors"},
		"merge":             {swap(minimal, "dir: keys", "<<: {}"), "line 10: keyring.(unreadable) is not a key"},
		"section wanted":    {swap(minimal, "keyring:\n  dir: keys", "keyring: "+leaked), "line 9: keyring must be a section"},
		"list wanted":       {swap(minimal, "\n  - id: musterbank", " {id: musterbank}"), "line 7: institutes must be a list"},
		"text wanted":       {swap(minimal, "file: store.db", "file: ["+leaked+"]"), "line 12: embedded.file must be text"},
		"number wanted":     {minimal + "limits: {artefacts: " + leaked + "}", "line 14: limits.artefacts must be a whole number"},
		"size wanted":       {minimal + "limits: {scan_size: 50 MB}", "line 14: limits.scan_size must be a size"},
		"size negative":     {minimal + "limits: {scan_size: -1}", "line 14: limits.scan_size must be a size"},
		"size overflows":    {minimal + "limits: {scan_size: 9999999999 GiB}", "line 14: limits.scan_size must be a size"},
		"duration wanted":   {minimal + "sweep: {grace: 5}", "line 14: sweep.grace must be a duration"},

		"no listen":      {swap(minimal, "listen: 127.0.0.1:7443", ""), "listen must be given"},
		"listen":         {swap(minimal, "127.0.0.1:7443", leaked), "listen must be host:port"},
		"listen name":    {swap(minimal, ":7443", ":grpc"), "listen must be host:port"},
		"no cert":        {swap(minimal, "cert_file: server.pem", ""), "tls.cert_file must be given"},
		"no key":         {swap(minimal, "key_file: /secure/server-key.pem", "key_file: ''"), "tls.key_file must be given"},
		"no client ca":   {swap(minimal, "client_ca_file: clients.pem", ""), "tls.client_ca_file must be given"},
		"no institutes":  {swap(minimal, "institutes:\n  - id: musterbank", ""), "institutes must list at least one"},
		"institute":      {swap(minimal, "musterbank", "Musterbank"), "institutes[0].id must be 1 to 64"},
		"institute twin": {swap(minimal, "- id: musterbank", "- id: a\n  - id: a"), "institutes[1].id must differ"},
		"time zone":      {swap(minimal, "id: musterbank", "id: a\n    time_zone: "+leaked), "institutes[0].time_zone must be a time zone's IANA name"},
		"local zone":     {swap(minimal, "id: musterbank", "id: a\n    time_zone: Local"), "institutes[0].time_zone must be"},
		"reason": {swap(minimal, "id: musterbank", "id: a\n    card_verification_code_reason: "+strings.Repeat("x", 201)),
			"institutes[0].card_verification_code_reason must have at most 200"},
		"artefacts":    {minimal + "limits: {artefacts: -1}", "limits.artefacts must not be negative"},
		"scans":        {minimal + "limits: {scans: -1}", "limits.scans must not be negative"},
		"scan size":    {minimal + "limits: {scan_size: 5 GiB}", "limits.scan_size must be below 5 GiB"},
		"dossier size": {minimal + "limits: {dossier_size: 65 MiB}", "limits.dossier_size must be at most 64 MiB"},
		"log level":    {minimal + "log: {level: verbose}", "log.level must be debug, info, warn or error"},
		"log format":   {minimal + "log: {format: xml}", "log.format must be json or text"},
		"grace":        {minimal + "sweep: {grace: -1h}", "sweep.grace must not be negative"},
		"shutdown":     {minimal + "shutdown_timeout: -1s", "shutdown_timeout must not be negative"},

		"no spool":        {swap(minimal, "spool_file: spool.db, ", ""), "audit.spool_file must be given"},
		"no audit file":   {swap(minimal, ", file: audit.db", ""), "audit.file must be given"},
		"one file":        {swap(minimal, "file: audit.db", "file: store.db"), "audit.file must be a file of its own"},
		"no audit bucket": {swap(deployed, ", bucket: wertfach-audit", ""), "audit.bucket must be given"},
		"audit bucket":    {swap(deployed, "wertfach-audit", "Audit"), "audit.bucket must be a bucket's name"},
		"one bucket":      {swap(deployed, "wertfach-audit", "wertfach"), "audit.bucket must be another one"},
		"spool age":       {swap(minimal, "{spool_file", "{spool_age: 1s, spool_file"), "audit.spool_age must be at least 10s"},
		"spool size":      {swap(minimal, "{spool_file", "{spool_size: 1 KiB, spool_file"), "audit.spool_size must be at least 1 MiB"},
		"ship every":      {swap(minimal, "{spool_file", "{ship_every: 2m, spool_file"), "audit.ship_every must be at most 1m"},
		"retention":       {swap(minimal, "{spool_file", "{retention_days: -1, spool_file"), "audit.retention_days must be from 1"},
		"lock mode":       {swap(minimal, "{spool_file", "{mode: soft, spool_file"), "audit.mode must be compliance or governance"},
		"call timeout":    {minimal + "calls: {timeout: -1s}", "calls.timeout must not be negative"},
		"rate":            {minimal + "calls: {person: {reveal: -1}}", "calls.person.reveal must be from 1"},

		"connections":    {minimal + "connections: {max: " + leaked + "}", "line 14: connections.max must be a whole number"},
		"most":           {minimal + "connections: {most: 1}", "line 14: connections.most is not a key; known here are max, streams, message_size,"},
		"no connection":  {minimal + "connections: {max: -1}", "connections.max must be from 1 to 1000000, or 0 for the default"},
		"too many":       {minimal + "connections: {max: 1000001}", "connections.max must be from 1 to 1000000"},
		"no stream":      {minimal + "connections: {streams: -1}", "connections.streams must be from 1 to 65536"},
		"streams":        {minimal + "connections: {streams: 65537}", "connections.streams must be from 1 to 65536"},
		"small messages": {minimal + "connections: {message_size: 65535}", "connections.message_size must be from 64 KiB to 8 MiB"},
		"large messages": {minimal + "connections: {message_size: 9 MiB}", "connections.message_size must be from 64 KiB to 8 MiB"},
		"no handshake":   {minimal + "connections: {handshake_timeout: -1s}", "connections.handshake_timeout must be from 1s to 1m"},
		"handshake":      {minimal + "connections: {handshake_timeout: 2m}", "connections.handshake_timeout must be from 1s to 1m"},
		"idle":           {minimal + "connections: {idle_timeout: 9s}", "connections.idle_timeout must be from 10s to 24h"},
		"age":            {minimal + "connections: {max_age: 25h}", "connections.max_age must be from 1m to 24h"},
		"age grace":      {minimal + "connections: {max_age_grace: 1ms}", "connections.max_age_grace must be from 1s to 24h"},
		"rare pings":     {minimal + "connections: {min_ping_interval: 30s}", "connections.min_ping_interval must be from 1s to 20s"},
		"ping after":     {minimal + "connections: {ping_after: 1s}", "connections.ping_after must be from 10s to 1h"},
		"ping timeout":   {minimal + "connections: {ping_timeout: 61s}", "connections.ping_timeout must be from 1s to 1m"},

		"no keys":       {swap(minimal, "keyring:\n  dir: keys", ""), "vault or keyring must be given"},
		"both keys":     {deployed + "keyring: {dir: keys}", "vault or keyring must be given, and not both"},
		"keyring":       {swap(minimal, "dir: keys", "dir:"), "keyring.dir must be given"},
		"no objects":    {swap(minimal, "embedded:\n  file: store.db", ""), "s3 or embedded must be given"},
		"both objects":  {deployed + "embedded: {file: store.db}", "s3 or embedded must be given, and not both"},
		"embedded":      {swap(minimal, "file: store.db", "file:"), "embedded.file must be given"},
		"vault":         {swap(deployed, "address: https://vault.example:8200", ""), "vault.address must be given"},
		"vault plain":   {swap(deployed, "https://vault.example", "http://10.0.0.1"), "vault.address must be https: plain http is for loopback"},
		"vault user":    {swap(deployed, "vault.example", "me:"+leaked+"@vault.example"), "vault.address must be a URL of the form https://host:port"},
		"vault no URL":  {swap(deployed, "https://vault.example:8200", "'http://%"+leaked+"'"), "vault.address must be a URL"},
		"vault scheme":  {swap(deployed, "https://vault", "ftp://vault"), "vault.address must be a URL"},
		"vault mount":   {swap(deployed, "vault:\n", "vault:\n  transit_mount: ../sys\n"), "vault.transit_mount must be a path"},
		"no login":      {swap(deployed, "  auth:\n    approle: {role_id_file: role-id, secret_id_file: secret-id}", ""), "vault.auth must have exactly one"},
		"two logins":    {swap(deployed, "  auth:\n", "  auth:\n    token_file: token\n"), "vault.auth must have exactly one of approle and token_file"},
		"role id":       {swap(deployed, "role_id_file: role-id, ", ""), "vault.auth.approle.role_id_file must be given"},
		"secret id":     {swap(deployed, ", secret_id_file: secret-id", ""), "vault.auth.approle.secret_id_file must be given"},
		"approle mount": {swap(deployed, "{role_id_file", "{mount: 'a b', role_id_file"), "vault.auth.approle.mount must be a path"},
		"s3 plain":      {swap(deployed, "https://s3.example", "http://s3.example"), "s3.endpoint must be https"},
		"s3 path":       {swap(deployed, "s3.example:9000", "s3.example:9000/bucket"), "s3.endpoint must be a URL"},
		"bucket":        {swap(deployed, "bucket: wertfach", "bucket: Wertfach"), "s3.bucket must be a bucket's name"},
		"no bucket":     {swap(deployed, "bucket: wertfach", ""), "s3.bucket must be given"},
		"access key":    {swap(deployed, "access_key_file: access-key", ""), "s3.access_key_file must be given"},
		"secret key":    {swap(deployed, "secret_key_file: secret-key", ""), "s3.secret_key_file must be given"},
	} {
		_, err := load(t, test.text)
		var problem *Error
		if !errors.As(err, &problem) || len(problem.Problems) != 1 {
			t.Errorf("%s: got %v, want one problem", name, err)
			continue
		}
		if got := problem.Problems[0].String(); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, test.want)
		}
		if !strings.Contains(err.Error(), "wertfach.yaml") {
			t.Errorf("%s: the error does not name the file", name)
		}
		if strings.Contains(err.Error(), leaked) {
			t.Errorf("%s: the error repeats the value: %v", name, err)
		}
	}
}

// TestAllProblemsAtOnce: an operator mends a file once, not once per error.
func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := load(t, strings.NewReplacer("127.0.0.1:7443", "nowhere", "musterbank", "Bank", "dir: keys", "dir:").Replace(minimal))
	if err == nil {
		t.Fatal("no error")
	}
	for _, key := range []string{"listen ", "institutes[0].id ", "keyring.dir "} {
		if !strings.Contains(err.Error(), "\n  "+key) {
			t.Errorf("%s is not named in: %v", key, err)
		}
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Size{
		"0": 0, "1": 1, "1024": 1024, "1 KiB": 1024, "1KiB": 1024, "50 MiB": 50 << 20, "3GiB": 3 << 30,
	} {
		if got := mustLoad(t, minimal+"limits: {cache_size: "+text+"}").Limits.CacheSize; got != want {
			t.Errorf("%s: got %d, want %d", text, got, want)
		}
	}
}
