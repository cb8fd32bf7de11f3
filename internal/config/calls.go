package config

import (
	"fmt"
	"time"
)

// Calls bound what callers may ask for. They are read again while the server
// runs.
type Calls struct {
	// Timeout bounds a call whose caller waits longer, or gave no deadline; 30s
	// where empty. It does not bound uploads and downloads.
	Timeout time.Duration `yaml:"timeout"`
	// Machine bounds each machine, Person each person.
	Machine Rates `yaml:"machine"`
	Person  Rates `yaml:"person"`
}

// Rates bound one caller: calls a second by what they do, and calls at once.
// Twice a second's calls may come in a burst, for a person ten times.
type Rates struct {
	// Read is for calls that read what is masked; 5000 for a machine, 20 for a
	// person, where empty.
	Read int `yaml:"read"`
	// Write is for calls that change something; 2000 and 10.
	Write int `yaml:"write"`
	// Reveal is for calls that give out secrets or scans; 100 and 2.
	Reveal int `yaml:"reveal"`
	// Verify is for calls that tell whether what a caller knows is right; 20
	// and 1.
	Verify int `yaml:"verify"`
	// Concurrent is how many calls may be under way; 512 and 16.
	Concurrent int `yaml:"concurrent"`
	// Streams is how many of them may be uploads or downloads; 128 and 4.
	Streams int `yaml:"streams"`
}

const mostRate = 1_000_000

func (r *rules) calls(c Calls) {
	r.must(c.Timeout >= 0, "calls.timeout", "must not be negative")
	for kind, rates := range map[string]Rates{"machine": c.Machine, "person": c.Person} {
		for key, n := range map[string]int{
			"read": rates.Read, "write": rates.Write, "reveal": rates.Reveal, "verify": rates.Verify,
			"concurrent": rates.Concurrent, "streams": rates.Streams,
		} {
			r.must(n >= 0 && n <= mostRate, fmt.Sprintf("calls.%s.%s", kind, key), "must be from 1 to 1000000, or 0 for the default")
		}
	}
}
