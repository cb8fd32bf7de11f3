package audit

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/wertfach/wertfach/audit/segment"
)

// Query says which events [Reader.List] gives.
type Query struct {
	// Institute, Subject and Principal are whose events; all where empty. Principal
	// is who called, or the machine through which somebody called.
	Institute, Subject, Principal string
	// From is the first moment that counts, To the first that does not any more.
	From, To time.Time
	// Size is how many events a page has at most; at least 1.
	Size int
	// Token is the Next of the page before; empty for the first page.
	Token string
}

// Page is a part of the answer.
type Page struct {
	// Events are in the order of their times.
	Events []Event
	// Next leads to the next page; empty on the last. A page without events may
	// lead on: only so much of the log is read for one.
	Next string
	// Damaged says that something that was read is no valid segment, and was left
	// out; [Reader.Verify] says what.
	Damaged bool
}

// matches says whether the query asks for an event, its time apart.
func (q Query) matches(e Event) bool {
	return (q.Institute == "" || q.Institute == e.Institute) &&
		(q.Subject == "" || q.Subject == e.Subject) &&
		(q.Principal == "" || q.Principal == e.Principal || q.Principal == e.Machine)
}

// position is a place in the order of all events: by time, by chain, by number.
// What comes next is after it. With an empty chain it is before all events of its
// time.
type position struct {
	time   time.Time
	chain  string
	number int64
}

func (p position) compare(o position) int {
	return cmp.Or(p.time.Compare(o.time), cmp.Compare(p.chain, o.chain), cmp.Compare(p.number, o.number))
}

// print is a hash of what a token belongs to. The end may move between pages:
// "until now" does.
func (q Query) print() string {
	q.To, q.Size, q.Token, q.From = time.Time{}, 0, "", segment.Instant(q.From)
	text, err := json.Marshal(q)
	if err != nil {
		return "" // a time after the year 9999: nothing was logged then
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

func (q Query) token(p position) string {
	text := strings.Join([]string{q.print(), strconv.FormatInt(p.time.UnixMicro(), 10), p.chain, strconv.FormatInt(p.number, 10)}, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// start is where to begin.
func (q Query) start() (position, error) {
	if q.Token == "" {
		return position{time: q.From}, nil
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(q.Token)
	parts := strings.Split(string(text), ".")
	if err != nil || len(parts) != 4 || parts[0] != q.print() {
		return position{}, ErrToken
	}
	micros, errTime := strconv.ParseInt(parts[1], 10, 64)
	number, errNumber := strconv.ParseInt(parts[3], 10, 64)
	p := position{time: time.UnixMicro(micros).UTC(), chain: parts[2], number: number}
	if errTime != nil || errNumber != nil || p.chain != "" && !segment.ValidChain(p.chain) || p.time.Before(q.From.Add(-time.Microsecond)) || q.token(p) != q.Token {
		return position{}, ErrToken
	}
	return p, nil
}
