package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// print writes an answer in the form that --output asks for.
func (c *cli) print(answer proto.Message) error {
	if c.output != "table" {
		return c.printJSON(answer)
	}
	if list, ok := answer.(*wertfachv1.ListArtefactsResponse); ok {
		return c.printList(list.GetArtefacts())
	}
	if list, ok := answer.(*wertfachv1.ListEventsResponse); ok {
		return c.printEvents(list.GetEvents())
	}
	if list, ok := answer.(*wertfachv1.ListAccessesResponse); ok {
		return c.printAccesses(list.GetAccesses())
	}
	if list, ok := answer.(*wertfachv1.ListDisclosuresResponse); ok {
		return c.printDisclosures(list.GetDisclosures())
	}
	if retention, ok := answer.(*wertfachv1.Retention); ok {
		return c.printRetention(retention)
	}
	return c.printFields(answer)
}

// printJSON writes a message as JSON. protojson varies white space from build to
// build so that nobody relies on it; scripts and people like to, so it is set
// anew.
func (c *cli) printJSON(answer proto.Message) error {
	raw, err := protojson.Marshal(answer)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err = c.stdout.Write(out.Bytes())
	return err
}

// printable is a line of text that can't steer a terminal: customers typed some
// of it.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
