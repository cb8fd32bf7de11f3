package format

// Problem is the rule that a value broke.
//
// Check returns it as a pointer rather than as an error: compare it with nil
// before storing it in an error variable.
type Problem struct {
	// Rule is stable for programs: "iban.checksum". Rules without a format's
	// name in front ("masked", "control") hold for every format.
	Rule string
	// Description says the rule in a clause for people, in lower case and without
	// a full stop. It is the same for every value that breaks the rule, and so
	// can't repeat one.
	Description string
}

// Error is the description.
func (p *Problem) Error() string { return p.Description }

func problem(rule, description string) *Problem {
	return &Problem{Rule: rule, Description: description}
}
