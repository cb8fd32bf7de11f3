// Package identity says who calls: it turns what a caller shows into a
// [Principal], or refuses.
//
// Every caller is a machine with a client certificate of the deployment's own
// authority. Its one URI, spiffe://TRUST-DOMAIN/role/name, stands in the
// configuration with the roles and institutes that it may act for; a URI that
// does not stand there is nobody.
//
// A person (an agent of the hotline, a privacy officer) comes by way of a
// machine that may act for people, and shows a token of OpenID Connect besides.
// The person may do what both may: the groups in the token, by the
// configuration of its issuer, and the machine. So a stolen token is worth
// nothing without such a machine, and such a machine nothing without a person:
// roles of people (the annotation `person` in the schema) count for a machine
// only while it acts for somebody.
//
//	registry, err := identity.New(identity.Config{…})
//	…
//	who, err := registry.Identify(ctx, leaf, "Bearer eyJhbGciOi…")
//
// Nothing is remembered between calls but the keys of issuers ([Registry] says
// for how long): a certificate that ends while its connection lasts, a token
// that ends, and a caller who is taken out of the configuration
// ([Registry.Update]) are refused from the next call on.
//
// The way of a token through the code: bearer.go reads the header, registry.go
// finds the machine and the issuer, issuer.go checks the claims, keys.go the
// signature, fetch.go gets the issuer's keys. files.go has the server's own side
// of TLS, whose files may be renewed while it runs. Errors are of package fault;
// they never repeat what was shown.
package identity
