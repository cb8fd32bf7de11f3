// Package custody is what wertfach does: it keeps each customer's records as
// one sealed dossier, and holds the rules by which they are registered, read,
// revealed, ended and erased.
//
// Begin with [Custodian.change] in change.go: every change of a customer is one
// round of opening the dossier, applying a pure function to it, sealing it and
// writing it back on condition that nobody else did. The rules are methods of
// [Dossier] without any I/O, each in the file of its noun; the methods of
// [Custodian] beside them say in which order stores are touched.
//
// What lies where:
//
//	dossier.go   the opened dossier          change.go    open, apply, seal, write back
//	record.go    values and compartments     satellite.go objects beside the dossier
//	customer.go  who the customer is         artefact.go  what was registered
//	reveal.go    giving out secrets          scan.go      files; content.go checks them
//	contract.go  how a contract ends         schedule.go  what goes on which day
//	former.go    contracts of before, of who came back
//	doing.go     what passes in which state  restriction.go, hold.go  what keeps it
//	erasurerequest.go, confirm.go  erasure on request, by two officers
//	erase.go     the five steps of erasure   shed.go      what goes while the rest stays
//	intent.go    an erasure under way        evidence.go  receipts
//	disclosure.go who got what               rectify.go   who must be told of a change
//	exporting.go what the customer is given  export/      as which archive
//	leave.go     what only a sweep may finish
//	sweep.go     what is due or left over    names.go     pseudonyms and object names
//	sweepdue.go, sweepclaim.go, sweepdry.go  what of it is due, by whom, and as a trial
//	scrub.go     whether all is whole, and marked by the rules of today
//	rotate.go    new versions of keys        index.go     pointers and their secret
//	secret.go    preparing a deployment      cache.go     sealed dossiers in memory
//	password.go  hashes of passwords         errors.go    reasons of refusals
//
// The package knows nothing of gRPC, S3 or HashiCorp Vault; its errors are of
// package fault.
package custody

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/wertfach/wertfach/blobstore"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/custody/retention"
	"github.com/wertfach/wertfach/vault"
)

// Institute is a bank that is served, and what holds for its customers.
type Institute struct {
	// ID is the last part of its name in the API.
	ID string
	// Location is the time zone in which its days begin; Europe/Berlin where nil.
	Location *time.Location
	// CardVerificationCode is the reason for which the institute, as the cards'
	// issuer, keeps verification codes (PCI DSS v4, 3.3.3). Empty: they are
	// refused.
	CardVerificationCode string
	// Retention says how long what may live; [retention.Defaults] where nil.
	Retention retention.Rules
}

// Limits bound what a customer can store. Zero means the default.
type Limits struct {
	// Artefacts is how many artefacts a customer has at most; 500.
	Artefacts int
	// Scans is how many scans an artefact has at most; 20.
	Scans int
	// ScanBytes is the size of a scan at most; 50 MiB.
	ScanBytes int64
	// DossierBytes is the size of a dossier at most, before sealing; 4 MiB.
	DossierBytes int
}

// Config is what a Custodian works with.
type Config struct {
	// Keys and Store are where keys and objects lie. Required.
	Keys  *vault.Keys
	Store *blobstore.Store
	// Evidence is where copies of receipts are locked away, out of reach of who
	// restores a backup of the store. Without one, what comes back is not noticed.
	Evidence Evidence
	// Institutes are the banks that are served; others are not found.
	Institutes []Institute
	// Limits bound what a customer can store.
	Limits Limits
	// CacheBytes bounds the memory for sealed dossiers; 16 MiB where zero.
	CacheBytes int
	// Lease is how long an erasure is left to the server that works at it before
	// a sweep takes it over; 1 minute where zero.
	Lease time.Duration
	// Now is the clock; time.Now where nil.
	Now func() time.Time
	// Log takes what no caller hears of; discarded where nil.
	Log *slog.Logger
}

// A Custodian keeps dossiers. It is safe for concurrent use, also by several
// servers over the same stores.
type Custodian struct {
	keys       *vault.Keys
	store      *blobstore.Store
	secret     hashKey
	index      atomic.Pointer[loadedIndex]
	indexAge   time.Duration
	reloading  chan struct{}
	institutes map[string]Institute
	limits     Limits
	lease      time.Duration
	now        func() time.Time
	log        *slog.Logger
	cache      *cache
	evidence   Evidence
	consistent consistency
	unerased   *lru.Cache[string, time.Time] // keys without a receipt, and when that was looked up
	hashing    chan struct{}
}

// Default limits and times.
const (
	defaultArtefacts    = 500
	defaultScans        = 20
	defaultScanBytes    = 50 << 20
	defaultDossierBytes = 4 << 20
	defaultCacheBytes   = 16 << 20
	defaultLease        = time.Minute
	defaultZone         = "Europe/Berlin"
	unerasedKept        = 16_384 // keys of which it is remembered that they have no receipt
)

// New makes a Custodian that uses the index secret; see [LoadIndexSecret].
func New(cfg Config, secret IndexSecret) (*Custodian, error) {
	if cfg.Keys == nil || cfg.Store == nil || len(secret.key) != secretSize || len(secret.index.versions) == 0 {
		return nil, errors.New("custody: keys, store and index secret are needed")
	}
	c := &Custodian{
		keys:       cfg.Keys,
		store:      cfg.Store,
		secret:     secret.key,
		indexAge:   defaultIndexAge,
		reloading:  make(chan struct{}, 1),
		institutes: map[string]Institute{},
		limits: Limits{
			Artefacts:    cmp.Or(cfg.Limits.Artefacts, defaultArtefacts),
			Scans:        cmp.Or(cfg.Limits.Scans, defaultScans),
			ScanBytes:    cmp.Or(cfg.Limits.ScanBytes, defaultScanBytes),
			DossierBytes: cmp.Or(cfg.Limits.DossierBytes, defaultDossierBytes),
		},
		lease:    cmp.Or(cfg.Lease, defaultLease),
		now:      cfg.Now,
		log:      cfg.Log,
		cache:    newCache(cmp.Or(cfg.CacheBytes, defaultCacheBytes)),
		evidence: cfg.Evidence,
		hashing:  make(chan struct{}, hashesAtOnce),
	}
	var err error
	if c.unerased, err = lru.New[string, time.Time](unerasedKept); err != nil {
		return nil, err
	}
	if c.now == nil {
		c.now = time.Now
	}
	c.index.Store(&loadedIndex{secret.index, secret.etag, c.now()})
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	for _, institute := range cfg.Institutes {
		if err := resource.CheckID("institutes.id", institute.ID); err != nil {
			return nil, err
		}
		if _, twice := c.institutes[institute.ID]; twice {
			return nil, fmt.Errorf("institute %s is configured twice", institute.ID)
		}
		if institute.Location == nil {
			zone, err := time.LoadLocation(defaultZone)
			if err != nil {
				return nil, fmt.Errorf("time zone %s: %w", defaultZone, err)
			}
			institute.Location = zone
		}
		if institute.Retention == nil {
			institute.Retention = retention.Defaults()
		}
		if err := institute.Retention.Check(kinds()); err != nil {
			return nil, fmt.Errorf("retention rules of institute %s: %w", institute.ID, err)
		}
		c.institutes[institute.ID] = institute
	}
	return c, nil
}

// kinds are the kinds of artefact by name.
func kinds() []string {
	var names []string
	for _, kind := range field.Artefact.Kinds() {
		names = append(names, kind.Name)
	}
	return names
}

// Limits are the limits in force.
func (c *Custodian) Limits() Limits { return c.limits }

// Serves says whether the institute is one whose customers are kept here.
func (c *Custodian) Serves(institute string) bool {
	_, served := c.institutes[institute]
	return served
}

// Derive gives a key for a purpose that all servers of the deployment share, 32
// bytes. Two purposes have keys that tell nothing of each other.
func (c *Custodian) Derive(purpose string) []byte { return c.secret.mac("derived", []byte(purpose)) }

// Subject is the random id by which the audit log names the customer. Once the
// customer is erased nobody can say whose it was.
func (c *Custodian) Subject(ctx context.Context, name resource.Customer) (string, error) {
	p, err := c.find(name)
	if err != nil {
		return "", err
	}
	d, err := c.viewAt(ctx, name, p, needs{doing: keeping})
	if err != nil {
		return "", err
	}
	return d.stored.GetSubjectId(), nil
}

// SubjectRead is Subject for who reads the customer's data, as far as that may be
// read now: from since on, where that is not zero.
func (c *Custodian) SubjectRead(ctx context.Context, name resource.Customer) (subject string, since time.Time, err error) {
	d, err := c.view(ctx, name)
	if err != nil {
		return "", time.Time{}, err
	}
	return d.stored.GetSubjectId(), d.seenSince(ctx), nil
}

// rules are what the institute allows beyond the formats, today.
func (i Institute) rules(now time.Time) field.Rules {
	rules := field.Rules{CardVerificationCode: i.CardVerificationCode != ""}
	if i.Location != nil {
		rules.Today = now.In(i.Location).Format(time.DateOnly)
	}
	return rules
}
