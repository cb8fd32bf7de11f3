// Package segment is the format of the audit log: segments that are chained by
// hash and signed, and heads that say how far a chain goes. docs/audit.md has it
// byte by byte.
//
// A segment is a file of JSON lines: a [Header], the events of one minute at
// most, and a seal. The seal has the hash of all bytes before it and a signature
// over chain, number and hash; the header has the hash of the whole segment
// before. So no byte can be changed, and no segment be left out, moved or
// replaced, without one of them telling. The name of the object in the store
// follows from the header, so that no segment can lie under another name.
//
// What chaining can't tell is that the newest segments are missing. For that there
// is the [Head]: a signed statement, renewed all the time, of a chain's last
// segment. A chain that is over ends with a segment of kind [Closed], after which
// nothing can come.
package segment
