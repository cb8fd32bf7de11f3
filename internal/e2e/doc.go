// Package e2e holds the tests that see wertfach as its callers and its enemies
// do: a real server behind TLS, spoken to over the network, once on the
// embedded stores and once on a real Vault and a real MinIO. It has no code of
// its own.
//
// Begin with story_test.go, the whole life of a customer through the Go client;
// scans_test.go and ending_test.go have its later chapters. Beside it:
//
//	badinput_test.go   what is refused, how it is said, and that nothing stays;
//	                   the rows are in the other files whose names begin with bad
//	walk_test.go       requests for every RPC that the schema has, for the walks in
//	                   names_test.go and requestid_test.go
//	givenup_test.go    uploads whose client goes away
//	marker_test.go     that no value lies anywhere in clear; search_test.go looks
//	health_test.go     what is said while a store is away
//	two_test.go        two servers that change one customer at once
//
// deployment_test.go and backends_test.go start what they need, scene_test.go
// fills it with customers, specimens_test.go and files_test.go have what they
// register.
package e2e
