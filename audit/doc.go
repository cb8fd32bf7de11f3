// Package audit keeps on record who did what to which record: an [Event] for each
// call, durable before the call is answered, in a log that nobody can quietly
// change.
//
// # The way of an event
//
// The edge begins a [Draft] with who calls what; the code that does the work adds
// what it was about. When the call is over, [Log.Record] puts the event into the
// spool, on the server's own disk; many calls share one write. One goroutine ships
// what is in the spool to the locked store, as a segment: signed, and chained to
// the one before. A routine call is answered when its event is in the spool; a
// call that can't be taken back or that opens a secret only when it is in the
// locked store ([Durability]). Before a call begins its work, [Log.Ready] says
// whether its event could be recorded.
//
// Each run of each server has a chain of its own. A run that ends well closes its
// chain with a last segment, after which nothing can come; what a crash left is
// shipped and closed by the next run on the same spool, and for a server that
// never comes back [Retire] does it. Of chains that are not closed a signed head
// in the store of data tells how far they go, renewed all the time: so a removed
// end is found too.
//
// Exactly one event comes of each call that Record accepted, whatever crashes:
// the name and the content of a segment follow from what is in the spool, so a
// repetition meets what the first attempt wrote, and takes it for its own.
//
// # Reading
//
// [Reader.List] gives events in the order of time, [Reader.Verify] checks
// everything, [Fetch] downloads a log for checking it elsewhere. The format is the
// matter of package audit/segment, and written down in docs/audit.md.
package audit
