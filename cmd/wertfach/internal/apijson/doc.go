// Package apijson reads the API's resources from JSON files that people write.
//
// [Parse] reads the JSON; [Value.Into] fills a message from it. The form is
// protobuf's own mapping to JSON, field names in lowerCamelCase or as in the
// schema. It is stricter than protojson, and quieter: every mistake is found at
// once and told by field, rule and line, and no value stands in an error, because
// what people mistype may be a PIN.
//
// [Value.Paths] gives the update mask of a file that holds changes: what stands
// in the file is changed, what does not stand there stays.
package apijson
