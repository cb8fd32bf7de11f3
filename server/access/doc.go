// Package access decides who may call what. It keeps no list of its own: the
// annotation `access` in proto/wertfach/v1 says of each RPC which roles may call
// it, what it does, and which field names what it is about; [NewTable] reads
// that from the descriptors, and refuses an RPC that says nothing.
//
// A decision takes three questions, all in [Rule.Admit]:
//
//   - Has the caller a role that may call the RPC? If not: PERMISSION_DENIED.
//   - Has it that role at the institute that the request is about? If not, the
//     answer is the one for something that is not there, whether it is or not.
//   - Is it an agent of the hotline, who needs a call? Then the request must come
//     with the proof that just this customer was verified to just this agent
//     ([Calls]).
//
// Nothing here knows whether a customer exists, so no refusal can tell.
// docs/access.md is the table as a page, written by [WritePage].
package access
