package custody

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/wertfach/wertfach/custody/resource"
)

// encoding is base32hex (RFC 4648) in lower case: what object names, key names
// and resource names all allow.
var encoding = base32.HexEncoding.WithPadding(base32.NoPadding)

func encode(b []byte) string { return strings.ToLower(encoding.EncodeToString(b)) }

// random gives n random bytes as text.
func random(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails: the process ends first
	return encode(b)
}

// newID is the id of a new artefact, scan or change: 128 random bits.
func newID() string { return random(16) }

// newRevision is the etag of a new state of a resource: 80 random bits.
func newRevision() string { return random(10) }

// A hashKey keys hashes that stand in a name or a dossier. Customer numbers,
// IBANs and card numbers are guessable, so an unkeyed hash of one is no
// protection and is stored nowhere.
type hashKey []byte

// mac is HMAC-SHA-256 (RFC 2104) over the parts, each preceded by its length,
// so that no two lists of parts are the same input.
func (s hashKey) mac(purpose string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, s)
	var size [8]byte
	for _, part := range append([][]byte{[]byte(purpose)}, parts...) {
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write(part)
	}
	return h.Sum(nil)
}

// A place is where a customer's objects lie.
type place struct {
	institute string
	pseudonym string // 160 bits of a keyed hash of institute and customer id
}

func (s hashKey) place(name resource.Customer) place {
	hash := s.mac("pseudonym", []byte(name.Institute.ID), []byte(name.ID))
	return place{institute: name.Institute.ID, pseudonym: encode(hash[:20])}
}

// newKeyName names the key of one enrolment. The random end makes it new for a
// customer who comes back after an erasure, so a destroyed key's name never
// stands for another key.
func (p place) newKeyName() string { return p.keyPrefix() + random(10) }

func (p place) keyPrefix() string { return p.institute + "-" + p.pseudonym + "-" }

// somebody names the customer for those who know nothing but the place.
func (p place) somebody() resource.Customer {
	return resource.Customer{Institute: resource.Institute{ID: p.institute}}
}

func (p place) dossier() string { return p.institute + "/dossiers/" + p.pseudonym }

func (p place) scans() string { return p.institute + "/scans/" + p.pseudonym + "/" }

func (p place) scan(id string) string { return p.scans() + id }

// due names the mark at the day on which a contract ends, for the sweep to find.
// Like that of a pointer its name has a random end, which the dossier remembers.
func (p place) due(date, end string) string {
	return dueDay(p.institute, date) + p.pseudonym + "." + end
}

func (p place) request() string { return erasureRequests(p.institute) + p.pseudonym }

func (p place) intent() string { return intents(p.institute) + p.pseudonym }

func (p place) pendings() string { return pendings(p.institute) + p.pseudonym + "." }

func (p place) pending(change string) string { return p.pendings() + change }

// receiptID ties a receipt to the enrolment that it ended, by the random end of
// its key's name.
func (p place) receiptID(keyName string) string {
	return p.pseudonym + "-" + strings.TrimPrefix(keyName, p.keyPrefix())
}

func (p place) receipts() string { return p.institute + "/receipts/" + p.pseudonym + "-" }

// unused names the note of a key that sealed nothing, by the random end of its
// name.
func (p place) unused(keyName string) string {
	return unusedKeys(p.institute) + p.pseudonym + "." + strings.TrimPrefix(keyName, p.keyPrefix())
}

func receiptObject(institute, id string) string { return institute + "/receipts/" + id }
func dueDays(institute string) string           { return institute + "/due/" }
func dueDay(institute, date string) string      { return dueDays(institute) + date + "/" }
func erasureRequests(institute string) string   { return institute + "/requests/" }
func intents(institute string) string           { return institute + "/erasing/" }
func pendings(institute string) string          { return institute + "/pending/" }
func unusedKeys(institute string) string        { return institute + "/unused/" }
func indexFolder(version int32) string          { return "index/" + strconv.Itoa(int(version)) + "/" }

// Objects of the deployment itself.
const (
	indexSecretObject = "system/index-secret"
	publicKeysObject  = "system/attest.pem"
)
