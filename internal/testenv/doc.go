// Package testenv starts the real servers that wertfach runs on, Vault and an
// S3 store, for tests and for the benchmark, and a proxy that makes faults between
// them.
//
// A server is a child process on a free loopback port with a folder of its own
// for its data and output. The plain functions ([StartVault], [Start]) return
// errors and serve any program; those that take a [testing.TB] end the test
// where a server is missing, because a skipped test looks like one that passed.
//
// Tests of one package share a server: TestMain calls [Main], tests call
// [SharedVault], and the first of them starts it. A test that seals, stops or
// pauses its server starts one of its own with [NewVault].
//
// The binaries are built from source by `make tools` into bin/ at the
// repository's root. Nothing of this package is linked into the product.
package testenv
