// Package faults tests a server whose back ends fail: Vault sealed, stopped,
// slow, answering nonsense or refusing; the object store the same, and cutting
// what it sends. There is no code but the tests.
//
// One deployment of real servers stands for all of it. A fault proxy and a proxy
// for HTTP lie on the way to each of them, so the server that is tested notices
// what it would notice of a real fault, and nothing is injected into it.
//
// Each fault meets each RPC of the schema (matrix_test.go). Of each call the test
// wants: an answer within the caller's deadline, with the documented code and
// reason; nothing in its text that is not the caller's business; what is kept as
// it was before, apart from what a sweep settles; and, when the fault is over, the
// same request done, once, without a restart. An RPC that the schema gets needs a
// request in requests_test.go, or the test fails.
package faults
