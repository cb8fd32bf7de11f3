package custody

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"
)

// asked is what a client of a history asks about one customer.
type asked struct {
	customer int
	op       string // register, paint, delete, withdraw, book, erase, enrol, list
	label    string // of an artefact
	colour   string
}

// told is what the client is told.
type told struct {
	// unknown is a call that ended without a word: it may have happened, may
	// happen later, or never.
	unknown bool
	reason  string
	list    string // of labels and colours
}

// shelf is the state of one customer, as a text that can be compared.
type shelf struct {
	enrolled, everErased, booked bool
	list                         string
}

// linearizable is what every history must be in some order of its calls, in
// which no call comes before one that was over when it began.
func linearizable() porcupine.Model {
	return porcupine.Model{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			byCustomer := map[int][]porcupine.Operation{}
			for _, o := range history {
				customer := o.Input.(asked).customer
				byCustomer[customer] = append(byCustomer[customer], o)
			}
			return slices.Collect(maps.Values(byCustomer))
		},
		Init: func() any { return shelf{enrolled: true, booked: true} },
		Step: func(state, input, output any) (bool, any) {
			return state.(shelf).step(input.(asked), output.(told))
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %+v", input, output) },
	}
}

// step says whether the answer fits the state, and gives the state after it.
func (s shelf) step(in asked, out told) (fits bool, next any) {
	after, reason := s.apply(in)
	switch {
	case out.unknown:
		return true, after
	case out.reason == ReasonBeingErased, out.reason == ReasonStaleETag, out.reason == ReasonContention:
		return true, s // says nothing but that it was not done
	case out.reason != reason:
		return false, s
	case in.op == "list" && reason == "":
		return out.list == s.list, s
	default:
		return true, after
	}
}

// apply is the state after a call, and the reason for which it is refused.
func (s shelf) apply(in asked) (shelf, string) {
	items := s.items()
	_, there := items[in.label]
	switch in.op {
	case "enrol":
		if s.enrolled {
			return s, ReasonCustomerExists
		}
		return shelf{enrolled: true, everErased: s.everErased, booked: true}, ""
	case "erase":
		if !s.enrolled && !s.everErased {
			return s, ReasonCustomerNotFound
		}
		return shelf{everErased: true}, ""
	}
	if !s.enrolled {
		return s, ReasonCustomerNotFound
	}
	switch in.op {
	case "register":
		if !s.booked {
			return s, ReasonServiceNotBooked
		}
		items[in.label] = in.colour
	case "paint":
		if !there {
			return s, ReasonArtefactNotFound
		}
		items[in.label] = in.colour
	case "delete":
		if !there {
			return s, ReasonArtefactNotFound
		}
		delete(items, in.label)
	case "withdraw":
		clear(items)
		s.booked = false
	case "book":
		s.booked = true
	}
	s.list = listed(items)
	return s, ""
}

func (s shelf) items() map[string]string {
	items := map[string]string{}
	for _, item := range strings.Fields(s.list) {
		label, colour, _ := strings.Cut(item, "=")
		items[label] = colour
	}
	return items
}

func listed(items map[string]string) string {
	var out []string
	for _, label := range slices.Sorted(maps.Keys(items)) {
		out = append(out, label+"="+items[label])
	}
	return strings.Join(out, " ")
}
