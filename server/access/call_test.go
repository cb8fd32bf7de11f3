package access_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wertfach/wertfach/custody/resource"
	"github.com/wertfach/wertfach/server/access"
)

// parse is a name as the handlers take it.
func parse(name string) (institute, customer string, taken bool) {
	if n, err := resource.ParseInstitute("", name); err == nil {
		return n.ID, "", true
	}
	if n, err := resource.ParseCustomer("", name); err == nil {
		return n.Institute.ID, n.ID, true
	}
	if n, err := resource.ParseArtefact("", name); err == nil {
		return n.Customer.Institute.ID, n.Customer.ID, true
	}
	if n, err := resource.ParseScan("", name); err == nil {
		return n.Artefact.Customer.Institute.ID, n.Artefact.Customer.ID, true
	}
	if n, err := resource.ParseReceipt("", name); err == nil {
		return n.Institute.ID, "", true
	}
	return "", "", false
}

func TestCalls(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, 3, 28, 0, 59, 0, 0, time.UTC)
	calls := access.NewCalls([]byte("a key of the deployment's own"), func() time.Time { return now })
	id, proof := calls.Prove("agent", ours, "4711")
	if strings.Contains(proof, "4711") || strings.Contains(proof, ours) || strings.Contains(proof, "agent") {
		t.Errorf("the proof tells of whom: %s", proof)
	}
	if got, ok := calls.Check(proof, "agent", ours, "4711"); !ok || got != id {
		t.Errorf("not taken: %q, %t", got, ok)
	}
	parts := strings.Split(proof, ".")
	other, _ := calls.Prove("agent", ours, "4711")
	_, long := access.NewCalls([]byte("a key of the deployment's own"), func() time.Time { return now.Add(time.Hour) }).Prove("agent", ours, "4711")
	for name, try := range map[string][4]string{
		"other agent":     {proof, "agent 2", ours, "4711"},
		"other customer":  {proof, "agent", ours, "4712"},
		"other institute": {proof, "agent", theirs, "4711"},
		"shifted parts":   {proof, "agen", "t" + ours, "4711"},
		"no customer":     {proof, "agent", ours, ""},
		"empty":           {"", "agent", ours, "4711"},
		"no mac":          {parts[0] + "." + parts[1] + ".", "agent", ours, "4711"},
		"other id":        {other + "." + parts[1] + "." + parts[2], "agent", ours, "4711"},
		"longer":          {parts[0] + ".AAAAAAAAAAD_." + parts[2], "agent", ours, "4711"},
		"of the future":   {long, "agent", ours, "4711"},
		"four parts":      {proof + ".x", "agent", ours, "4711"},
		"long":            {proof + strings.Repeat("A", 300), "agent", ours, "4711"},
	} {
		if _, ok := calls.Check(try[0], try[1], try[2], try[3]); ok {
			t.Errorf("%s: taken", name)
		}
	}
	if _, ok := access.NewCalls([]byte("another key"), func() time.Time { return now }).Check(proof, "agent", ours, "4711"); ok {
		t.Error("taken under another key")
	}
	for after, want := range map[time.Duration]bool{access.CallTime - time.Second: true, access.CallTime: false, 24 * time.Hour: false} {
		later := access.NewCalls([]byte("a key of the deployment's own"), func() time.Time { return now.Add(after) })
		if _, ok := later.Check(proof, "agent", ours, "4711"); ok != want {
			t.Errorf("after %v: %t", after, ok)
		}
	}
}
