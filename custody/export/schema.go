package export

import (
	_ "embed" // of schemaBase
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/wertfach/wertfach/custody/field"
)

// schemaBase is the schema without what customers and artefacts hold.
//
//go:embed schema.json
var schemaBase []byte

// Schema is the JSON Schema of customer.json. What customers and artefacts hold comes
// from the annotations in proto/wertfach/v1, so that no field is listed twice.
var Schema = sync.OnceValue(func() []byte {
	var schema map[string]any
	if err := json.Unmarshal(schemaBase, &schema); err != nil {
		panic(fmt.Sprintf("export: the schema is no JSON: %v", err)) // a test would have found it
	}
	defs := schema["$defs"].(map[string]any)
	defs["customer_data"] = object(field.Customer)
	defs["artefact_data"] = object(field.Artefact)
	var kinds []string
	for _, k := range field.Artefact.Kinds() {
		kinds = append(kinds, k.Name)
	}
	at(defs, "artefact", "properties", "kind")["enum"] = kinds
	text, err := encode(schema)
	if err != nil {
		panic(fmt.Sprintf("export: the schema can't be written: %v", err))
	}
	return text
})

// at leads down through objects.
func at(within map[string]any, path ...string) map[string]any {
	for _, name := range path {
		within = within[name].(map[string]any)
	}
	return within
}

// object is the schema of a resource's values as [Nest] gives them.
func object(t *field.Table) map[string]any {
	top := closed()
	for _, s := range t.Specs() {
		within, path := top, strings.Split(s.Path, ".")
		for _, part := range path[:len(path)-1] {
			properties := within["properties"].(map[string]any)
			if properties[part] == nil {
				properties[part] = closed()
			}
			within = properties[part].(map[string]any)
		}
		within["properties"].(map[string]any)[path[len(path)-1]] = property(s)
	}
	return top
}

func closed() map[string]any {
	return map[string]any{"type": "object", "additionalProperties": false, "properties": map[string]any{}}
}

func property(s *field.Spec) map[string]any {
	words := labels[s.Path]
	out := map[string]any{"description": words.English}
	switch choices := s.Choices(); {
	case s.Truth():
		out["type"] = "boolean"
	case choices != nil:
		out["enum"] = choices
	default:
		out["type"] = "string"
	}
	return out
}
