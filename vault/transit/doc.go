// Package transit keeps keys in HashiCorp Vault, in its transit secrets engine:
// the [vault.Driver] of every deployment.
//
// A customer's key is a transit key of type aes256-gcm96 with derivation on,
// not exportable, and never leaves Vault. Transit derives a key per context from
// it (HKDF-SHA-256), so the contexts of package vault are enforced by Vault
// itself, and its policies can allow a process one context and deny another.
// A wrapped data key is Vault's own ciphertext, "vault:v1:…".
//
// The file to read first is keys.go, one method per call. call.go is how a call
// reaches Vault, session.go how the process proves who it is and stays known,
// errors.go what Vault's answers mean, prepare.go what an operator sets up once.
//
// Calls go over HTTP directly and not through the generic map-based methods of
// Vault's client library: unwrapping a data key is part of every request that
// wertfach answers, and the direct way costs a quarter fewer allocations and a
// sixth less processor time (see BenchmarkUnwrap). Logging in, renewing and
// reading Vault's errors are the library's. Nothing here obeys VAULT_ variables
// or proxies of the environment: what the configuration says is what happens.
//
// Give a server's AppRole its own policy alone (deploy/vault), with
// token_no_default_policy on. Vault's default policy is made of templates that
// it parses again for each request: unwrapping a data key then takes three times
// Vault's own processor time (see BenchmarkPolicy).
package transit
