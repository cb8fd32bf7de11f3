package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // small images have no time zones of their own
	"unicode/utf8"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/resource"
)

// maxDossier bounds the configured size of a dossier, each of which is held in
// memory while it is open.
const maxDossier = 64 << 20

// maxReason is the length of a reason in characters.
const maxReason = 200

var (
	vaultPath  = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*$`)
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
)

// rules collects what is broken.
type rules struct{ broken []Problem }

func (r *rules) add(key, rule string) {
	r.broken = append(r.broken, Problem{Key: key, Rule: rule})
}

func (r *rules) must(ok bool, key, rule string) {
	if !ok {
		r.add(key, rule)
	}
}

// given wants a value for a key.
func (r *rules) given(key, value string) bool {
	r.must(value != "", key, "must be given")
	return value != ""
}

// check applies the rules that a decoded configuration must keep.
func (c *Config) check() []Problem {
	var r rules
	if r.given("listen", c.Listen) {
		r.must(address(c.Listen), "listen", "must be host:port")
	}
	r.given("tls.cert_file", c.TLS.CertFile)
	r.given("tls.key_file", c.TLS.KeyFile)
	r.given("tls.client_ca_file", c.TLS.ClientCAFile)
	r.institutes(c.Institutes)
	r.retention(c)
	r.callers(c)
	r.limits(c.Limits)
	r.must((c.Vault != nil) != (c.Keyring != nil), "vault", "or keyring must be given, and not both")
	if c.Vault != nil {
		r.vault(c.Vault)
	}
	if c.Keyring != nil {
		r.given("keyring.dir", c.Keyring.Dir)
	}
	r.must((c.S3 != nil) != (c.Embedded != nil), "s3", "or embedded must be given, and not both")
	if c.S3 != nil {
		r.s3(c.S3)
	}
	if c.Embedded != nil {
		r.given("embedded.file", c.Embedded.File)
	}
	r.audit(c.Audit, c)
	r.calls(c.Calls)
	r.connections(c.Connections)
	r.telemetry(c.Telemetry)
	r.must(slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level), "log.level", "must be debug, info, warn or error")
	r.must(slices.Contains([]string{"json", "text"}, c.Log.Format), "log.format", "must be json or text")
	for key, d := range map[string]time.Duration{
		"sweep.grace": c.Sweep.Grace, "sweep.every": c.Sweep.Every, "start_timeout": c.StartTimeout, "shutdown_timeout": c.ShutdownTimeout,
	} {
		r.must(d >= 0, key, "must not be negative")
	}
	slices.SortStableFunc(r.broken, func(a, b Problem) int { return strings.Compare(a.Key, b.Key) })
	return r.broken
}

func (r *rules) institutes(institutes []Institute) {
	r.must(len(institutes) > 0, "institutes", "must list at least one")
	seen := map[string]bool{}
	for i, institute := range institutes {
		key := fmt.Sprintf("institutes[%d].", i)
		if resource.CheckID("", institute.ID) != nil {
			r.add(key+"id", "must be 1 to 64 characters of a-z, 0-9 and hyphens within")
		} else if seen[institute.ID] {
			r.add(key+"id", "must differ from those before")
		}
		seen[institute.ID] = true
		// LoadLocation takes "" for UTC and "Local" for the machine's own zone.
		_, err := time.LoadLocation(institute.TimeZone)
		r.must(err == nil && institute.TimeZone != "Local", key+"time_zone", "must be a time zone's IANA name such as Europe/Berlin")
		r.must(utf8.RuneCountInString(institute.CardVerificationCodeReason) <= maxReason,
			key+"card_verification_code_reason", fmt.Sprintf("must have at most %d characters", maxReason))
	}
}

func (r *rules) limits(l Limits) {
	r.must(l.Artefacts >= 0, "limits.artefacts", "must not be negative")
	r.must(l.Scans >= 0, "limits.scans", "must not be negative")
	r.must(l.ScanSize < blobstore.MaxStream, "limits.scan_size", "must be below 5 GiB, the most in one request to S3")
	r.must(l.DossierSize <= maxDossier, "limits.dossier_size", "must be at most 64 MiB")
}

func (r *rules) vault(v *Vault) {
	r.server("vault.address", v.Address)
	r.must(v.TransitMount == "" || vaultPath.MatchString(v.TransitMount), "vault.transit_mount", "must be a path of a-z, 0-9, - and _")
	role := v.Auth.AppRole
	r.must((role != nil) != (v.Auth.TokenFile != ""), "vault.auth", "must have exactly one of approle and token_file")
	if role != nil {
		r.given("vault.auth.approle.role_id_file", role.RoleIDFile)
		r.given("vault.auth.approle.secret_id_file", role.SecretIDFile)
		r.must(role.Mount == "" || vaultPath.MatchString(role.Mount), "vault.auth.approle.mount", "must be a path of a-z, 0-9, - and _")
	}
}

func (r *rules) s3(s *S3) {
	r.server("s3.endpoint", s.Endpoint)
	if r.given("s3.bucket", s.Bucket) {
		r.must(bucketName.MatchString(s.Bucket), "s3.bucket", "must be a bucket's name: 3 to 63 characters of a-z, 0-9, dots and hyphens")
	}
	r.given("s3.access_key_file", s.AccessKeyFile)
	r.given("s3.secret_key_file", s.SecretKeyFile)
}

// server checks the URL of a back end.
func (r *rules) server(key, value string) {
	if !r.given(key, value) {
		return
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "",
		u.Scheme != "https" && u.Scheme != "http":
		r.add(key, "must be a URL of the form https://host:port")
	case u.Scheme == "http" && !Loopback(u.Hostname()):
		r.add(key, "must be https: plain http is for loopback addresses only")
	}
}

// plain says whether a checked URL has no TLS.
func plain(address string) bool { return strings.HasPrefix(strings.ToLower(address), "http:") }

// Loopback says whether a host, an address or "localhost", is this machine
// and reached without a network.
func Loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// address says whether s is host:port with a port in figures.
func address(s string) bool {
	_, port, err := net.SplitHostPort(s)
	n, notNumber := strconv.Atoi(port)
	return err == nil && notNumber == nil && n >= 0 && n <= 65535
}
