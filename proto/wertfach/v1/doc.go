// Package wertfachv1 is the API of wertfach, version 1: what is promised to
// portals, core banking and the hotline's console.
//
// The Go code is generated from the .proto files beside it (`make generate`).
// annotations.proto says what each RPC and field means for access, masking and
// storage; the rest of the program reads it from the descriptors.
package wertfachv1
