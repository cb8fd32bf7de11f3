// Package resource holds the names of things in the API, as Google's AIP-122
// writes them:
//
//	institutes/{institute}/customers/{customer}/artefacts/{artefact}/scans/{scan}
//	institutes/{institute}/receipts/{receipt}
//
// Every id is 1 to 64 characters of a-z, 0-9 and hyphens within. Nothing else
// gets past Parse: no upper case, no dots, no slashes, no look-alikes of other
// scripts. So an id can stand in an object's or a key's name as it is.
package resource

import (
	"strings"

	"github.com/wertfach/wertfach/custody/fault"
)

// MaxID is how many characters an id has at most.
const MaxID = 64

// Institute names a bank.
type Institute struct{ ID string }

// Customer names a customer of a bank.
type Customer struct {
	Institute Institute
	ID        string
}

// Artefact names something that a customer registered.
type Artefact struct {
	Customer Customer
	ID       string
}

// Scan names a scan of an artefact.
type Scan struct {
	Artefact Artefact
	ID       string
}

// Receipt names the evidence of an erasure.
type Receipt struct {
	Institute Institute
	ID        string
}

// String is the name as Parse reads it.
func (n Institute) String() string { return "institutes/" + n.ID }

// String is the name as Parse reads it.
func (n Customer) String() string { return n.Institute.String() + "/customers/" + n.ID }

// String is the name as Parse reads it.
func (n Artefact) String() string { return n.Customer.String() + "/artefacts/" + n.ID }

// String is the name as Parse reads it.
func (n Scan) String() string { return n.Artefact.String() + "/scans/" + n.ID }

// String is the name as Parse reads it.
func (n Receipt) String() string { return n.Institute.String() + "/receipts/" + n.ID }

// ParseInstitute reads a name of the form institutes/{institute}. Like all
// Parse functions it names field in its error, and never the value.
func ParseInstitute(field, name string) (Institute, error) {
	ids, err := parse(field, name, "institutes")
	if err != nil {
		return Institute{}, err
	}
	return Institute{ids[0]}, nil
}

// ParseCustomer reads a name of the form
// institutes/{institute}/customers/{customer}.
func ParseCustomer(field, name string) (Customer, error) {
	ids, err := parse(field, name, "institutes", "customers")
	if err != nil {
		return Customer{}, err
	}
	return Customer{Institute{ids[0]}, ids[1]}, nil
}

// ParseArtefact reads a name of the form
// institutes/{institute}/customers/{customer}/artefacts/{artefact}.
func ParseArtefact(field, name string) (Artefact, error) {
	ids, err := parse(field, name, "institutes", "customers", "artefacts")
	if err != nil {
		return Artefact{}, err
	}
	return Artefact{Customer{Institute{ids[0]}, ids[1]}, ids[2]}, nil
}

// ParseScan reads a name of the form
// institutes/{institute}/customers/{customer}/artefacts/{artefact}/scans/{scan}.
func ParseScan(field, name string) (Scan, error) {
	ids, err := parse(field, name, "institutes", "customers", "artefacts", "scans")
	if err != nil {
		return Scan{}, err
	}
	return Scan{Artefact{Customer{Institute{ids[0]}, ids[1]}, ids[2]}, ids[3]}, nil
}

// ParseReceipt reads a name of the form institutes/{institute}/receipts/{receipt}.
func ParseReceipt(field, name string) (Receipt, error) {
	ids, err := parse(field, name, "institutes", "receipts")
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{Institute{ids[0]}, ids[1]}, nil
}

// CheckID says whether id may be the last part of a name.
func CheckID(field, id string) error {
	if !validID(id) {
		return fault.Field(field, "id.form", "must be 1 to 64 characters of a-z, 0-9 and hyphens within")
	}
	return nil
}

func parse(field, name string, collections ...string) ([]string, error) {
	parts := strings.Split(name, "/")
	ids := make([]string, 0, len(collections))
	if len(parts) == 2*len(collections) {
		for i, collection := range collections {
			if parts[2*i] == collection && validID(parts[2*i+1]) {
				ids = append(ids, parts[2*i+1])
			}
		}
	}
	if len(ids) < len(collections) {
		return nil, fault.Field(field, "name.form", "must be "+pattern(collections)+
			", each id 1 to 64 characters of a-z, 0-9 and hyphens within")
	}
	return ids, nil
}

func pattern(collections []string) string {
	parts := make([]string, len(collections))
	for i, c := range collections {
		parts[i] = c + "/{" + strings.TrimSuffix(c, "s") + "}"
	}
	return strings.Join(parts, "/")
}

func validID(id string) bool {
	if id == "" || len(id) > MaxID || id[0] == '-' || id[len(id)-1] == '-' {
		return false
	}
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// Scope tells of a name of any form which institute it is within, and which
// customer if it is one's. Both are empty where no Parse function takes it.
func Scope(name string) (institute, customer string) {
	for _, collections := range [][]string{
		{"institutes"}, {"institutes", "customers"}, {"institutes", "customers", "artefacts"},
		{"institutes", "customers", "artefacts", "scans"}, {"institutes", "receipts"},
	} {
		ids, err := parse("", name, collections...)
		if err != nil {
			continue
		}
		if len(collections) > 1 && collections[1] == "customers" {
			customer = ids[1]
		}
		return ids[0], customer
	}
	return "", ""
}
