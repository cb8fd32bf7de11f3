// Package embedded is the blobstore driver that keeps all objects in one file, a
// bbolt database, for `wertfach dev` and for small installations on one
// machine. It needs no server. [Archive] keeps write-once objects in a file of its
// own, by the same means.
//
// # What is in the file
//
// A small object lies whole in its record, beside its size, time and ETag. A
// larger one lies in blocks of some 32 KiB under a random id, and its record
// names the id. While a stream is being written, its blocks go to disk in
// several transactions under an id that no record names yet; the last
// transaction writes the record, and in that moment the object is there. Ids
// without a record are listed as loose; what a crash left loose is removed when
// the file is next opened. The id is also the object's ETag, so ETags never
// repeat.
//
// # Durability
//
// Every write is on disk (fdatasync) before it is acknowledged. Writes that
// arrive while another one is being committed share the next commit, so many
// writers together cost hardly more disk operations than one, and a lone
// writer waits for nobody.
//
// Readers of large objects take one block at a time and keep no transaction
// open in between: an open transaction would keep every page that is freed
// meanwhile from being used again, for as long as some client takes to
// download. The price is that an object which is replaced or deleted in the
// middle ends the reading with an error.
//
// The file is readable by its owner only and locked while it is open. It grows
// and does not shrink: freed pages are used again, and until then hold what
// they held, which is ciphertext. Erasing relies on the destroyed key, here as
// everywhere.
package embedded
