// Package export writes what is held of a customer as an archive that the customer
// can keep (Art. 15 GDPR) and others can read (Art. 20): a ZIP file with
//
//	summary.de.html, summary.en.html   for reading, without scripts or anything from outside
//	customer.json                      everything, by the schema beside it
//	export.schema.json                 JSON Schema, draft 2020-12; also docs/export.schema.json
//	scans/ARTEFACT/NN-NAME             the scans
//	manifest.json                      every other file with size, SHA-256 and media type
//
// [Write] streams it: it holds the [Record] and no scan. The manifest comes last,
// since it has the hashes of what was written, so an archive that has one and opens
// is whole. docs/export.md describes it for those who get one.
//
// The package has no clock and knows neither keys nor stores.
package export

import (
	"io"
	"time"
)

// Format and Version are what the files call themselves. The version is another
// one when what reads the old one would misread the new.
const (
	Format  = "wertfach-export"
	Version = 1
)

// Record is what customer.json holds. [Write] sets Format and Version, and where
// scans lie in the archive.
type Record struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	Created time.Time `json:"created"`
	// Purpose is "access" or "portability".
	Purpose string `json:"purpose"`
	// Secrets is [Included] or [Withheld].
	Secrets   string   `json:"secrets"`
	Institute string   `json:"institute"`
	Customer  Customer `json:"customer"`
	// Artefacts are in the order of their registration, as all lists are.
	Artefacts []Artefact `json:"artefacts"`
	// FormerContracts ended before the customer came back, and something of them is
	// kept; the oldest comes first.
	FormerContracts []FormerContract `json:"former_contracts,omitempty"`
	// Purposes are what the data is processed for, and Sources where it is from
	// (Art. 15(1)(a) and (g)).
	Purposes []Purpose `json:"purposes"`
	Sources  []Words   `json:"sources"`
	// Categories are the classes of data that are held (Art. 15(1)(b)).
	Categories []string `json:"categories"`
	// Recipients are who got what (Art. 15(1)(c)).
	Recipients []Recipient `json:"recipients"`
	// Retention is how long it is going to be kept (Art. 15(1)(d)), and EraseDate the
	// first day on which nothing is left; empty while that is not fixed.
	Retention    []Holding     `json:"retention"`
	EraseDate    string        `json:"erase_date,omitempty"`
	Restrictions []Restriction `json:"restrictions"`
	Holds        []Hold        `json:"holds"`
	Accesses     Accesses      `json:"accesses"`
}

// What became of secrets.
const (
	Included = "included"
	Withheld = "withheld"
)

// Customer is who the customer is.
type Customer struct {
	Name     string    `json:"name"`
	Services []string  `json:"services"`
	Contract Contract  `json:"contract"`
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
	Data     Data      `json:"data"`
	// Masked are the paths of values that are shown in part.
	Masked []string `json:"masked"`
}

// Contract says where the contract stands: "active", "terminating" or "ended".
type Contract struct {
	State         string `json:"state"`
	EffectiveDate string `json:"effective_date,omitempty"`
	Reason        string `json:"reason,omitempty"`
}

// FormerContract is what is kept of a contract that ended before the present one. It
// is restricted (Art. 18 GDPR).
type FormerContract struct {
	EffectiveDate string `json:"effective_date"` // the first day without it
	// Withheld says that only a privacy officer's export has the rest.
	Withheld bool `json:"withheld"`
	// Customer is who the customer was then.
	Customer  *Customer  `json:"customer,omitempty"`
	Artefacts []Artefact `json:"artefacts"`
}

// Artefact is something that the customer registered.
type Artefact struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Service string    `json:"service"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
	Data    Data      `json:"data"`
	Masked  []string  `json:"masked"`
	Scans   []Scan    `json:"scans"`
}

// Scan is a file that belongs to an artefact.
type Scan struct {
	ID string `json:"id"`
	// File is where it lies in the archive.
	File      string    `json:"file"`
	FileName  string    `json:"file_name"`
	MediaType string    `json:"media_type"`
	Size      int64     `json:"size"`
	SHA256    string    `json:"sha256"`
	Created   time.Time `json:"created"`
	// Open gives the content; it is called once, when its turn comes.
	Open func() (io.ReadCloser, error) `json:"-"`
}

// Words say something in both languages.
type Words struct {
	German  string `json:"de"`
	English string `json:"en"`
}

// Purpose is what the data of a service is processed for, on which ground of Art.
// 6(1) GDPR.
type Purpose struct {
	Service string `json:"service"`
	Basis   string `json:"basis"`
	Words
}

// Recipient is who got what, or who is to be told of a rectification.
type Recipient struct {
	ID        string    `json:"id"`
	Time      time.Time `json:"time"`
	Recipient string    `json:"recipient"` // empty for the customer
	Purpose   string    `json:"purpose"`
	Artefacts []string  `json:"artefacts"` // their ids
	Classes   []string  `json:"classes"`
	Told      time.Time `json:"told,omitzero"`
}

// Holding is data of one class that goes on one day, and the rule for it.
type Holding struct {
	Class   string `json:"class"`
	Kind    string `json:"kind,omitempty"`
	Count   int    `json:"count"`
	DueDate string `json:"due_date,omitempty"`
	// FormerContract is the first day without the former contract that it is of.
	FormerContract string `json:"former_contract,omitempty"`
	Anchor         string `json:"anchor"`
	Period         string `json:"period"`
	Alignment      string `json:"alignment"`
	Basis          string `json:"basis"`
}

// Restriction is a restriction of processing (Art. 18 GDPR).
type Restriction struct {
	Ground  string    `json:"ground"`
	Created time.Time `json:"created"`
	Told    time.Time `json:"told,omitzero"`
	Lifted  time.Time `json:"lifted,omitzero"`
}

// Hold is what keeps the data from being erased. Its reason is not told: it may be
// about others, and tell an opponent what is prepared (Art. 15(4) and 23(1)(j)
// GDPR).
type Hold struct {
	Kind      string    `json:"kind"`
	Created   time.Time `json:"created"`
	UntilDate string    `json:"until_date,omitempty"`
	Released  time.Time `json:"released,omitzero"`
}

// Accesses are who looked at the data in a time. Where they are not complete, the
// log held more than is read for an archive.
type Accesses struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Complete bool      `json:"complete"`
	Entries  []Access  `json:"entries"`
}

// Access is one of them. It names the role and not the person (CJEU, C-579/21).
type Access struct {
	Time   time.Time `json:"time"`
	Action string    `json:"action"`
	// Effect is what the action does: "read", "reveal", "write", "irrevocable",
	// "verify" or "other".
	Effect   string   `json:"effect"`
	Role     string   `json:"role,omitempty"`
	Purpose  string   `json:"purpose,omitempty"`
	Artefact string   `json:"artefact,omitempty"`
	Scan     string   `json:"scan,omitempty"`
	Fields   []string `json:"fields"`
}
