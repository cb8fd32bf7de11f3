package export

import (
	"strings"

	"github.com/wertfach/wertfach/custody/field"
)

// Data are values by their names in the API's schema: text, truth values, and
// messages of them.
type Data map[string]any

// Nest gives a resource's values as Data. Values of a schema that this program does
// not know are left out, as the API does.
func Nest(t *field.Table, values field.Values) Data {
	all := Data{}
	for _, s := range t.Specs() {
		text := values[s.Path]
		if text == "" {
			continue
		}
		within, path := all, strings.Split(s.Path, ".")
		for _, part := range path[:len(path)-1] {
			below, there := within[part].(Data)
			if !there {
				below = Data{}
				within[part] = below
			}
			within = below
		}
		last := path[len(path)-1]
		if s.Truth() {
			within[last] = text == "true"
		} else {
			within[last] = text
		}
	}
	return all
}

// value is a value of the data as text, for reading; false where there is none.
func (d Data) value(path string) (any, bool) {
	var at any = d
	for part := range strings.SplitSeq(path, ".") {
		within, ok := at.(Data)
		if !ok {
			return nil, false
		}
		if at, ok = within[part]; !ok {
			return nil, false
		}
	}
	return at, true
}
