package config

import "time"

// Audit is where the audit log lies. An event goes to the spool, on this
// server's own disk, and from there to the locked store, from which nobody can
// remove it before its time.
type Audit struct {
	// SpoolFile holds events that are not in the locked store yet. It belongs to
	// one server and lies on a disk that survives a restart. Needed.
	SpoolFile string `yaml:"spool_file"`
	// SpoolAge and SpoolSize bound what waits in the spool while the locked store
	// is away; 10m and 1 GiB where empty. Past either every call is refused.
	SpoolAge  time.Duration `yaml:"spool_age"`
	SpoolSize Size          `yaml:"spool_size"`
	// ShipEvery is how long routine events wait in the spool at most before they
	// are shipped; 1s where empty. A server whose disk is destroyed loses so much.
	ShipEvery time.Duration `yaml:"ship_every"`
	// Bucket is the locked store on the same S3 server: a bucket with object
	// lock, which `wertfach init` makes. Needed with s3.
	Bucket string `yaml:"bucket"`
	// RetentionDays is how long a segment is locked, in days; 3653 (10 years)
	// where empty. PCI DSS v4, 10.5.1, wants 365 at least.
	RetentionDays int `yaml:"retention_days"`
	// Mode is compliance, in which nobody can shorten the lock, or governance, in
	// which who has a special right can; compliance where empty.
	Mode string `yaml:"mode"`
	// File is the locked store on this machine. Needed with embedded.
	File string `yaml:"file"`
}

const (
	leastSpoolAge  = 10 * time.Second
	leastSpool     = 1 << 20
	mostShipEvery  = time.Minute
	defaultRetain  = 3653
	leastRetention = 1
	mostRetention  = 36525
)

// Retention is how long a segment is locked.
func (a Audit) Retention() time.Duration {
	days := a.RetentionDays
	if days == 0 {
		days = defaultRetain
	}
	return time.Duration(days) * 24 * time.Hour
}

func (r *rules) audit(a Audit, c *Config) {
	r.given("audit.spool_file", a.SpoolFile)
	r.must(a.SpoolAge == 0 || a.SpoolAge >= leastSpoolAge, "audit.spool_age", "must be at least 10s")
	r.must(a.SpoolSize == 0 || a.SpoolSize >= leastSpool, "audit.spool_size", "must be at least 1 MiB")
	r.must(a.ShipEvery >= 0 && a.ShipEvery <= mostShipEvery, "audit.ship_every", "must be at most 1m")
	r.must(a.RetentionDays == 0 || a.RetentionDays >= leastRetention && a.RetentionDays <= mostRetention, "audit.retention_days", "must be from 1 to 36525")
	r.must(a.Mode == "" || a.Mode == "compliance" || a.Mode == "governance", "audit.mode", "must be compliance or governance")
	if c.S3 != nil && c.Embedded == nil && r.given("audit.bucket", a.Bucket) {
		r.must(bucketName.MatchString(a.Bucket), "audit.bucket", "must be a bucket's name: 3 to 63 characters of a-z, 0-9, dots and hyphens")
		r.must(a.Bucket != c.S3.Bucket, "audit.bucket", "must be another one than s3.bucket")
	}
	if c.Embedded != nil && c.S3 == nil && r.given("audit.file", a.File) {
		r.must(a.File != c.Embedded.File && a.File != a.SpoolFile, "audit.file", "must be a file of its own")
	}
}
