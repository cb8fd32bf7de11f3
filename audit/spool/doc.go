// Package spool keeps the events of a server on its own disk until they are in the
// locked store.
//
// Events come in batches, each an object of its own in a small store, and leave
// in the order in which they came, as the segments of a chain. What is in the
// spool can be changed by whoever has the disk, and must not be believed blindly
// after a restart: each batch carries a keyed hash (HMAC-SHA-256) over itself and
// the hash of the batch before, and the state, which says where the first batch
// is that is not shipped, carries one too. [Open] refuses a spool that something
// else has changed. It can't tell that the newest batches were taken away, or
// that the whole disk is an older copy.
//
// There is one writer of batches and one shipper, which may work at the same time.
package spool
