// Package grpcfault is the one mapping between the errors of package fault and
// gRPC statuses. The server turns each error into a status with [Status]; the
// client turns each status back with [FromStatus], and has the same *fault.Error
// in hand that a rule of custody returned on the other side.
//
// A status carries, beside its code and message, the details of google.rpc:
//
//	ErrorInfo   the reason, in the domain "wertfach.v1"
//	BadRequest  the fields that broke rules; a violation's reason is the rule
//	RetryInfo   how long to wait before trying again
//
// Causes never cross: an error that is not of the vocabulary becomes "internal
// error", whatever its text says. Statuses that gRPC itself made, such as for a
// message that is too large or a connection that is refused, are mapped too:
// code.go says how.
package grpcfault

// Domain is the domain of reasons in google.rpc.ErrorInfo.
const Domain = "wertfach.v1"
