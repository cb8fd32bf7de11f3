package main

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// choice is a flag with a few values.
type choice struct {
	value *string
	of    []string
}

// String is the value.
func (c *choice) String() string { return *c.value }

// Type is for the help.
func (c *choice) Type() string { return "string" }

// Set takes a value.
func (c *choice) Set(value string) error {
	if !slices.Contains(c.of, value) {
		return fmt.Errorf("must be one of %s", strings.Join(c.of, ", "))
	}
	*c.value = value
	return nil
}

// enum is a flag that takes a value of an enum of the API: by its name in the
// schema, REVEAL_PURPOSE_UNLOCK, or by the short form of it, unlock.
type enum struct {
	descriptor protoreflect.EnumDescriptor
	prefix     string
	number     protoreflect.EnumNumber
}

// String is the short name of the value.
func (e *enum) String() string {
	if e.descriptor == nil || e.number == 0 {
		return ""
	}
	return e.short(e.descriptor.Values().ByNumber(e.number))
}

// Type is for the help.
func (e *enum) Type() string { return "string" }

// Set takes a value.
func (e *enum) Set(text string) error {
	for i := range e.descriptor.Values().Len() {
		value := e.descriptor.Values().Get(i)
		if value.Number() != 0 && (text == string(value.Name()) || text == e.short(value)) {
			e.number = value.Number()
			return nil
		}
	}
	return fmt.Errorf("must be one of %s", strings.Join(e.names(), ", "))
}

// names are the short names of all values.
func (e *enum) names() []string {
	var all []string
	for i := range e.descriptor.Values().Len() {
		if value := e.descriptor.Values().Get(i); value.Number() != 0 {
			all = append(all, e.short(value))
		}
	}
	return all
}

func (e *enum) short(value protoreflect.EnumValueDescriptor) string {
	name := strings.TrimPrefix(string(value.Name()), e.prefix)
	return strings.ReplaceAll(strings.ToLower(name), "_", "-")
}
