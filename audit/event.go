package audit

import "time"

// Event is what is on record of one call: who did what to which record, and how
// it ended. It never holds a value that was read or written.
//
// Its JSON form is a line of a segment, and so part of the log's format
// (docs/audit.md): names don't change, and empty fields are left out.
type Event struct {
	// ID is the call's own random id, which logs and traces name too.
	ID string `json:"id"`
	// Time is when the event was recorded. The log sets it, such that events of
	// one chain never go back in time.
	Time time.Time `json:"time"`
	// Action is what was called: "ArtefactService/RevealArtefact".
	Action string `json:"action"`
	// Principal is who called: a certificate's URI, or a person as
	// "issuer#subject". Empty for a caller who proved nothing.
	Principal string `json:"principal,omitempty"`
	// Machine is the certificate's URI of the machine that acted for a person.
	Machine string `json:"machine,omitempty"`
	// Role is the role in which the call was allowed; empty where it was not.
	Role string `json:"role,omitempty"`
	// Institute is the institute that the call was about, by its id.
	Institute string `json:"institute,omitempty"`
	// Subject is the customer by the random id that only the dossier tells: once that
	// is erased, the log by itself does not tell whose the customer's events were. No
	// event has it beside a receipt, which would.
	Subject string `json:"subject,omitempty"`
	// Artefact and Scan are what the call was about, by the last part of the name.
	Artefact string `json:"artefact,omitempty"`
	Scan     string `json:"scan,omitempty"`
	// Receipt is the receipt of an erasure, by the last part of its name.
	Receipt string `json:"receipt,omitempty"`
	// Purpose is what secrets were asked for, "UNLOCK", or data was exported for,
	// "ACCESS", or read for whose processing is restricted: "LEGAL_CLAIM".
	Purpose string `json:"purpose,omitempty"`
	// Fields are the secret fields that were given out: "sim_card.puk".
	Fields []string `json:"fields,omitempty"`
	// Classes are the classes of data that went by the retention rules:
	// "secrets", "artefacts.bike".
	Classes []string `json:"classes,omitempty"`
	// Call is the hotline call in which it was done.
	Call string `json:"call,omitempty"`
	// RequestID is the id by which a repetition of the request is known.
	RequestID string `json:"request_id,omitempty"`
	// Code is how it ended, a code's name of google.rpc.Code: "OK".
	Code string `json:"code"`
	// Reason is why it did not succeed: "STALE_ETAG".
	Reason string `json:"reason,omitempty"`
	// Skipped is how many refused calls of the same principal are not on record one
	// by one, because they came faster than refusals are recorded.
	Skipped int `json:"skipped,omitempty"`
}
