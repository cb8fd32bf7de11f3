package apijson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/wertfach/wertfach/custody/fault"
)

// maxDepth is deeper than any message of the API.
const maxDepth = 32

// kind is what sort of JSON a value is.
type kind string

const (
	object kind = "object"
	array  kind = "array"
	text   kind = "text"
	number kind = "number"
	truth  kind = "truth value"
	null   kind = "null"
)

// Value is a JSON value and where it stands.
type Value struct {
	kind     kind
	line     int
	raw      []byte
	members  []member
	elements []Value
	file     string
}

type member struct {
	name  string
	line  int
	value Value
}

// Parse reads a file of one JSON value. The file's name is for errors, which are
// of kind Invalid.
func Parse(file string, content []byte) (Value, error) {
	content = bytes.TrimPrefix(content, []byte("\uFEFF")) // as some editors begin files
	p := parser{file: file, content: content, decoder: json.NewDecoder(bytes.NewReader(content))}
	p.decoder.UseNumber()
	if !utf8.Valid(content) {
		return Value{}, p.broken("json.utf8", "must be text in UTF-8")
	}
	v, err := p.value(0)
	if err != nil {
		return Value{}, err
	}
	if _, err := p.decoder.Token(); !errors.Is(err, io.EOF) {
		return Value{}, p.broken("json.single", "must end after one JSON value")
	}
	return v, nil
}

type parser struct {
	file    string
	content []byte
	decoder *json.Decoder
	counted int64 // up to where lines were counted
	lines   int   // how many ended before
}

// line is the number of the line at an offset, from 1. Offsets only grow.
func (p *parser) line(offset int64) int {
	offset = max(offset, p.counted)
	p.lines += bytes.Count(p.content[p.counted:offset], []byte("\n"))
	p.counted = offset
	return 1 + p.lines
}

// start is where the next token begins: behind white space and what separates.
func (p *parser) start() int64 {
	offset := p.decoder.InputOffset()
	rest := p.content[offset:]
	return offset + int64(len(rest)-len(bytes.TrimLeft(rest, " \t\r\n,:")))
}

// broken says that the file is no JSON, without the decoder's own words: they
// quote the content.
func (p *parser) broken(rule, description string) error {
	return fault.Field(p.file, rule, fmt.Sprintf("%s (line %d)", description, p.line(p.start())))
}

func (p *parser) value(depth int) (Value, error) {
	start := p.start()
	v := Value{line: p.line(start), file: p.file}
	token, err := p.decoder.Token()
	if err != nil {
		return Value{}, p.broken("json.syntax", "must be JSON")
	}
	if depth > maxDepth {
		return Value{}, p.broken("json.depth", "is nested too deep")
	}
	switch token := token.(type) {
	case json.Delim:
		if token == '{' {
			v.kind = object
			err = p.object(&v, depth)
		} else {
			v.kind = array
			err = p.array(&v, depth)
		}
	case string:
		v.kind = text
	case json.Number:
		v.kind = number
	case bool:
		v.kind = truth
	case nil:
		v.kind = null
	}
	v.raw = p.content[start:p.decoder.InputOffset()]
	return v, err
}

func (p *parser) object(v *Value, depth int) error {
	for p.decoder.More() {
		line := p.line(p.start())
		token, err := p.decoder.Token()
		name, isName := token.(string)
		if err != nil || !isName {
			return p.broken("json.syntax", "must be JSON")
		}
		inner, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		v.members = append(v.members, member{name, line, inner})
	}
	return p.end()
}

func (p *parser) array(v *Value, depth int) error {
	for p.decoder.More() {
		inner, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		v.elements = append(v.elements, inner)
	}
	return p.end()
}

// end takes the closing bracket.
func (p *parser) end() error {
	if _, err := p.decoder.Token(); err != nil {
		return p.broken("json.syntax", "must be JSON")
	}
	return nil
}

// Elements gives the values of a list: of a JSON array, or of the only member of
// an object if it has that name and holds an array, as the API's own answers do.
func (v Value) Elements(name string) (list []Value, isList bool) {
	if v.kind == object && len(v.members) == 1 && v.members[0].name == name {
		v = v.members[0].value
	}
	return v.elements, v.kind == array
}
