package audit

// Durability is where an event must be before the call that it records is
// answered.
type Durability int

const (
	// Spooled is on the server's own disk. It is for routine calls: while the
	// locked store is away they go on, until the spool is full.
	Spooled Durability = iota
	// Locked is in the locked store, from which nobody can remove it. It is for
	// what can't be taken back or opens a secret.
	Locked
)
