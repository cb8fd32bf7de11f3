package server

import (
	"errors"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/custody/fault"
)

// validator checks messages against the buf.validate rules in the schema:
// shapes and sizes. What a value must be is checked in custody.
type validator struct{ rules protovalidate.Validator }

func newValidator() (validator, error) {
	rules, err := protovalidate.New()
	return validator{rules}, err
}

func (v validator) check(msg any) error {
	m, ok := msg.(proto.Message)
	if !ok {
		return errors.New("a message that is not protobuf")
	}
	err := v.rules.Validate(m)
	var broken *protovalidate.ValidationError
	if !errors.As(err, &broken) {
		return err
	}
	var found []fault.Violation
	for _, violation := range broken.Violations {
		found = append(found, fault.Violation{
			Field: protovalidate.FieldPathString(violation.Proto.GetField()),
			Rule:  violation.Proto.GetRuleId(),
			// The rules' own sentences name limits and patterns, never the value.
			Description: violation.Proto.GetMessage(),
		})
	}
	return fault.Fields(found...)
}
