// Package blobstore keeps named blobs of bytes: sealed dossiers, sealed scans,
// markers, receipts. It knows nothing of what is in them.
//
// [Store] is what the rest of wertfach uses. It checks names, bounds how many
// requests are under way, insists that streams have the length that was
// declared, and gives errors one vocabulary. Below it, a [Driver] speaks to one
// kind of storage; there are two, and package blobstoretest holds the tests
// that both pass:
//
//   - blobstore/s3 speaks plain S3 (PUT, GET, HEAD, LIST, DELETE and conditional
//     PUT), as MinIO and others do;
//   - blobstore/embedded keeps everything in one file, for `wertfach dev` and
//     for small installations on one machine.
//
// [Archive] is the other kind of storage: write-once, for the audit log. Both
// packages have an [ArchiveDriver] for it as well, a bucket under object lock and
// a file that is only ever added to. All that follows here is about Store.
//
// # What callers may rely on
//
// A write is whole or it is not: readers see the object as it was before or as
// it is after, never a mixture, and a write that was acknowledged is on disk and
// seen by every read that begins later.
//
// A [Condition] makes a write depend on what is stored: [IfAbsent] creates and
// never overwrites, [IfMatch] replaces only the version that its ETag names. Of
// any number of writers that race on one condition exactly one wins; all others
// get [ErrConflict]. An ETag may be a function of the content, so writing the
// same bytes twice may give the same ETag twice. Sealed objects never repeat,
// since each sealing draws a fresh nonce.
//
// A write that ends in [ErrUnavailable], or because its context ended, may have
// happened, and may even happen a little later: the answer was lost, not
// necessarily the request. Whoever needs to know reads the object again; that is
// why dossiers remember the identifiers of the requests that changed them. No
// layer below repeats a conditional write by itself, because a repetition that
// fails says nothing about the first attempt.
//
// Nothing is kept back: an overwritten or deleted object is gone, and there are
// no versions. Delete is idempotent.
//
// # Names
//
// Names look like paths, "bank-a/dossiers/4f2k", see [CheckName]. Folders do not
// exist, yet no name should be the folder of another one ("a" and "a/b"): servers
// that keep objects as files store both but may leave one out of their lists,
// as MinIO does.
//
// # Errors
//
// Errors say what failed and hold neither names nor content. Test for the
// sentinels ([ErrNotFound], [ErrConflict] and so on) and for the context's
// errors with errors.Is.
package blobstore
