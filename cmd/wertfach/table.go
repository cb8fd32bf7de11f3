package main

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wertfach/wertfach/custody/field"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// printList writes a line for each artefact. The name stands last: it is the
// longest, and the one to copy.
func (c *cli) printList(artefacts []*wertfachv1.Artefact) error {
	return c.table(func(row func(...string)) {
		row("KIND", "LABEL", "DETAILS", "SCANS", "REGISTERED", "NAME")
		for _, a := range artefacts {
			kind := field.Artefact.KindOf(a)
			row(kind, cmp.Or(a.GetLabel(), "-"), details(a, kind), fmt.Sprint(len(a.GetScans())), shownTime(a.GetCreateTime()), a.GetName())
		}
	})
}

// details are the first few values of what an artefact is, of which something
// is to be seen.
func details(a *wertfachv1.Artefact, kind string) string {
	const few = 3
	var values []string
	all := field.Artefact.Read(a)
	for _, spec := range field.Artefact.Specs() {
		if value := all[spec.Path]; strings.Trim(value, "•") != "" && strings.HasPrefix(spec.Path, kind+".") && len(values) < few {
			values = append(values, value)
		}
	}
	return cmp.Or(strings.Join(values, ", "), "-")
}

// printFields writes a line for each field that is set.
func (c *cli) printFields(answer proto.Message) error {
	return c.table(func(row func(...string)) { rows(answer.ProtoReflect(), "", row) })
}

func rows(m protoreflect.Message, prefix string, row func(...string)) {
	for i := range m.Descriptor().Fields().Len() {
		fd := m.Descriptor().Fields().Get(i)
		path := prefix + string(fd.Name())
		switch v := m.Get(fd); {
		case !m.Has(fd):
		case fd.IsMap():
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				row(path+"."+k.String(), shownValue(fd.MapValue(), v))
				return true
			})
		case fd.IsList():
			for j := range v.List().Len() {
				value(fd, v.List().Get(j), fmt.Sprintf("%s[%d]", path, j), row)
			}
		default:
			value(fd, v, path, row)
		}
	}
}

func value(fd protoreflect.FieldDescriptor, v protoreflect.Value, path string, row func(...string)) {
	if fd.Kind() == protoreflect.MessageKind {
		if _, isTime := v.Message().Interface().(*timestamppb.Timestamp); !isTime {
			rows(v.Message(), path+".", row)
			return
		}
	}
	row(path, shownValue(fd, v))
}

func shownValue(fd protoreflect.FieldDescriptor, v protoreflect.Value) string {
	switch fd.Kind() {
	case protoreflect.EnumKind:
		if named := fd.Enum().Values().ByNumber(v.Enum()); named != nil {
			return string(named.Name())
		}
	case protoreflect.BytesKind:
		return fmt.Sprintf("%d bytes", len(v.Bytes()))
	case protoreflect.MessageKind:
		if at, isTime := v.Message().Interface().(*timestamppb.Timestamp); isTime {
			return shownTime(at)
		}
	}
	return fmt.Sprint(v.Interface())
}

func shownTime(at *timestamppb.Timestamp) string {
	if at == nil {
		return "-"
	}
	return at.AsTime().Format(time.DateOnly + " 15:04 MST")
}

// table writes rows in aligned columns.
func (c *cli) table(fill func(row func(...string))) error {
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fill(func(cells ...string) {
		for i, cell := range cells {
			cells[i] = printable(cell)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	})
	return w.Flush()
}
