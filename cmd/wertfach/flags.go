package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wertfach/wertfach/custody/fault"
)

// rule is what the value of a flag must be.
type rule string

// Error is the rule.
func (r rule) Error() string { return string(r) }

// flagError tells what is wrong with a flag by its name and the rule. The
// library's own words quote what was typed, which may be anything.
func flagError(_ *cobra.Command, err error) error {
	var value interface{ GetValue() string }
	if errors.As(err, &value) {
		wanted := rule("can't be understood")
		errors.As(err, &wanted)
		about, _ := strings.CutPrefix(err.Error(), fmt.Sprintf("invalid argument %q for ", value.GetValue()))
		flag, _, found := strings.Cut(about, " flag: ")
		if !found || strings.Contains(flag, value.GetValue()) {
			flag = "a flag"
		}
		return fmt.Errorf("%s: %w", strings.Trim(flag, `"`), wanted)
	}
	// A flag that there is not, or one without its value; short ones may stand in
	// one word, and then what follows is perhaps a value.
	var short interface {
		GetSpecifiedName() string
		GetSpecifiedShortnames() string
	}
	if errors.As(err, &short) {
		if short.GetSpecifiedShortnames() != "" {
			return fmt.Errorf("-%s is no flag, or lacks its value", short.GetSpecifiedName())
		}
		return err
	}
	return errors.New("a flag is written --name or --name=value")
}

// inFlag tells of a field of the request as of the flag that it came from.
func inFlag(err error, field, flag string) error {
	var known *fault.Error
	if !errors.As(err, &known) {
		return err
	}
	told := *known
	told.Violations = slices.Clone(known.Violations)
	for i, v := range told.Violations {
		if v.Field == field {
			told.Violations[i].Field = flag
		}
	}
	return &told
}

// patience is a flag that takes a time to wait.
type patience struct{ value *time.Duration }

// String is the value.
func (p *patience) String() string {
	if p.value == nil || *p.value == 0 {
		return ""
	}
	return p.value.String()
}

// Type is for the help.
func (p *patience) Type() string { return "duration" }

// Set takes a value.
func (p *patience) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return rule("must be a time such as 30s, 5m or 1h30m")
	}
	*p.value = d
	return nil
}

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
		return rule("must be one of " + strings.Join(c.of, ", "))
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
	return shortName(e.descriptor, e.number, e.prefix)
}

// Type is for the help.
func (e *enum) Type() string { return "string" }

// Set takes a value.
func (e *enum) Set(text string) error {
	for i := range e.descriptor.Values().Len() {
		value := e.descriptor.Values().Get(i)
		if value.Number() != 0 && (text == string(value.Name()) || text == shortName(e.descriptor, value.Number(), e.prefix)) {
			e.number = value.Number()
			return nil
		}
	}
	return rule("must be one of " + strings.Join(e.names(), ", "))
}

// names are the short names of all values.
func (e *enum) names() []string {
	var all []string
	for i := range e.descriptor.Values().Len() {
		if value := e.descriptor.Values().Get(i); value.Number() != 0 {
			all = append(all, shortName(e.descriptor, value.Number(), e.prefix))
		}
	}
	return all
}

// shortName is a value of an enum as it is typed and shown: unlock. One that this
// release does not know is shown by its number.
func shortName(of protoreflect.EnumDescriptor, number protoreflect.EnumNumber, prefix string) string {
	value := of.Values().ByNumber(number)
	if value == nil {
		return strconv.Itoa(int(number))
	}
	name := strings.TrimPrefix(string(value.Name()), prefix)
	return strings.ReplaceAll(strings.ToLower(name), "_", "-")
}
