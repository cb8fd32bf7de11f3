package custodytest

import "github.com/wertfach/wertfach/custody/retention"

// AtContractEnd are rules by which everything goes when the contract ends.
func AtContractEnd() retention.Rules {
	var at []retention.Rule
	for _, class := range []retention.Class{retention.Artefacts, retention.Disclosures, retention.Customer} {
		at = append(at, retention.Rule{Class: class, Anchor: retention.ContractEnd, Alignment: retention.Exact, Basis: "nothing has to be kept"})
	}
	return retention.Defaults().With(at...)
}
