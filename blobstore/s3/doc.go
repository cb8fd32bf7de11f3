// Package s3 is the blobstore driver for S3 servers: MinIO, which is what the
// tests run against, and any other with conditional writes (If-Match and
// If-None-Match on PUT, as Amazon S3 has had since 2024).
//
// It uses plain S3 only: PUT, GET, HEAD, LIST and DELETE, nothing of one
// vendor's. Each object is one PUT, however large; there are no multipart
// uploads whose parts could be left behind, and a stream passes through
// without being held in memory.
//
// # The archive
//
// [Archive] is the driver for write-once objects: a bucket of its own with
// versions and object lock (S3 Object Lock). Each object states until when it is
// locked, and in which mode. A delete marker, which a lock does not prevent, only
// hides an object: lists of versions still give it. MinIO then lets a conditional
// PUT succeed under the same name, so [Archive.Create] looks at the name first,
// at the price of one HEAD (0.6 ms beside 1.7 ms for the PUT, measured).
//
// # Unsigned payloads
//
// Requests are signed (AWS Signature Version 4) with the body left out of the
// signature, "UNSIGNED-PAYLOAD". What is stored here is sealed and authenticates
// itself when it is opened, and the connection is TLS or does not leave the
// machine, so hashing every byte once more would prove nothing new. It would cost:
// measured with MinIO, a PUT of 1 KiB takes the client 0.15 ms of processor time
// and 0.3 ms with a signed body, one of 10 MiB 5 ms and 16 ms.
//
// # Retries
//
// A repeated conditional write can't be told from a lost race: when the answer
// to a first attempt that succeeded is lost, the second finds the object that
// the first wrote and fails. So conditional writes and streams are sent exactly
// once; after [blobstore.ErrUnavailable] the caller reads what is there. All
// other requests are idempotent and are tried twice, with a pause of less than
// 0.2 seconds, if the context allows. A server that is gone is so reported
// within a second, one that is silent when the context ends.
//
// # Errors
//
// A missing object is ErrNotFound; a condition that fails (412, or 409 for a
// write that lost against one under way) is ErrConflict, and so is
// If-Match on a missing object, which servers answer with 404. Servers that do
// not answer, answer 5xx, send us elsewhere or refuse our credentials, and a
// missing bucket, are ErrUnavailable. A context that ended shows as the context's error.
package s3
