package segment

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Folder is where segments lie in the locked store.
const Folder = "segments/"

const (
	nameTime   = "2006-01-02/15/0405.000"
	chainStart = "20060102"
	chainSize  = len(chainStart) + 1 + 26
	maxNumber  = 999_999_999_999
)

// Name is what the name of a segment's object tells. Names sort by time to the
// millisecond, then by chain, then by number: a listing of a day, an hour or a
// minute is in order, and a chain's segments come in theirs.
type Name struct {
	Chain  string
	Number int64
	// Time is the header's time, in a name that was parsed cut to milliseconds.
	Time time.Time
}

// String is the name.
func (n Name) String() string {
	return fmt.Sprintf("%s%s-%s-%012d", Folder, n.Time.UTC().Format(nameTime), n.Chain, n.Number)
}

// ParseName reads the name of a segment's object.
func ParseName(name string) (Name, bool) {
	rest, found := strings.CutPrefix(name, Folder)
	if !found || len(rest) != len(nameTime)+1+chainSize+1+12 {
		return Name{}, false
	}
	at, err := time.Parse(nameTime, rest[:len(nameTime)])
	if err != nil {
		return Name{}, false
	}
	rest = rest[len(nameTime)+1:]
	number, err := strconv.ParseInt(rest[chainSize+1:], 10, 64)
	n := Name{Chain: rest[:chainSize], Number: number, Time: at}
	if err != nil || number < 1 || !ValidChain(n.Chain) || n.String() != name {
		return Name{}, false
	}
	return n, true
}

// NewChain gives the id of a new chain: the day on which it begins, and 128
// random bits.
func NewChain(now time.Time) string {
	return now.UTC().Format(chainStart) + "-" + strings.ToLower(rand.Text())
}

// ValidChain says whether it is the id of a chain.
func ValidChain(id string) bool {
	if len(id) != chainSize || id[len(chainStart)] != '-' {
		return false
	}
	for i := range len(id) {
		digit, letter := '0' <= id[i] && id[i] <= '9', 'a' <= id[i] && id[i] <= 'z'
		switch {
		case i < len(chainStart) && !digit, i > len(chainStart) && !digit && !letter:
			return false
		}
	}
	return true
}

// Minute is the beginning of the names of the segments of the minute of t.
func Minute(t time.Time) string { return Folder + t.UTC().Format("2006-01-02/15/04") }

// Hour is such a beginning for the hour of t.
func Hour(t time.Time) string { return Folder + t.UTC().Format("2006-01-02/15/") }

// Day is such a beginning for the day of t.
func Day(t time.Time) string { return Folder + t.UTC().Format("2006-01-02/") }
