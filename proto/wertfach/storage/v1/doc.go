// Package storagev1 is what wertfach stores: the plaintext of a sealed dossier.
// Its messages never cross the API.
//
// The Go code is generated from the .proto file beside it (`make generate`).
package storagev1
