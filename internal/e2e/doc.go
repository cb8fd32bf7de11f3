// Package e2e holds the tests that see wertfach as its callers and its enemies
// do: a real server behind TLS, spoken to over the network, once on the
// embedded stores and once on a real Vault and a real MinIO. It has no code of
// its own.
//
// Begin with story_test.go, the whole life of a customer through the Go client.
// Beside it:
//
//	badinput_test.go   what is refused, how it is said, and that nothing stays
//	walk_test.go       the same for every RPC that the schema has: names, request ids
//	marker_test.go     that no value lies anywhere in clear
//	health_test.go     what is said while a store is away
//	two_test.go        two servers that change one customer at once
//
// deployment_test.go and backends_test.go start what they need.
package e2e
