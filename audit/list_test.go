package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wertfach/wertfach/audit/segment"
)

// written is an event of a log that a test wrote, and where it is.
type written struct {
	event Event
	at    position
}

// writeChain writes segments with events at these times, cut at these places.
func writeChain(t failer, w *world, chain string, events []Event, cut func(n int) bool) []written {
	t.Helper()
	h := segment.Header{Chain: chain, Number: 1, FirstEvent: 1, Server: "s"}
	var out []written
	for len(events) > 0 {
		n := 1
		for n < len(events) && segment.SameMinute(events[n].Time, events[0].Time) && !cut(len(events)-n) {
			n++
		}
		h.Kind, h.Time = segment.Events, events[0].Time
		var lines []byte
		for i, e := range events[:n] {
			line, err := encode(e)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, line...)
			out = append(out, written{e, position{e.Time, chain, h.FirstEvent + int64(i)}})
		}
		file, err := segment.Seal(context.Background(), signer{w.key, w.trap}, h, lines)
		if err != nil {
			t.Fatal(err)
		}
		w.archive.set(h.Object(), file)
		s, err := segment.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		h = s.Next()
		events = events[n:]
	}
	return out
}

// TestListModel compares pages with a sorted list of all events, over chains
// whose events crowd at the same moments and around full minutes, hours and days.
func TestListModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		begin := time.Date(2026, 11, 21, 23, 59, 58, 0, time.UTC)
		steps := []time.Duration{0, 0, time.Microsecond, 300 * time.Microsecond, time.Millisecond, 40 * time.Second, 29 * time.Minute, 5 * time.Hour, 25 * time.Hour}
		var all []written
		for c := range rapid.IntRange(0, 4).Draw(t, "chains") {
			at := begin
			var events []Event
			for i := range rapid.IntRange(1, 30).Draw(t, "events") {
				at = at.Add(rapid.SampledFrom(steps).Draw(t, "step"))
				events = append(events, Event{
					ID: fmt.Sprint(c, "/", i), Time: at, Code: "OK",
					Institute: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "institute"),
					Subject:   rapid.SampledFrom([]string{"", "s", "t"}).Draw(t, "subject"),
					Principal: rapid.SampledFrom([]string{"p", "q"}).Draw(t, "principal"),
					Machine:   rapid.SampledFrom([]string{"", "p"}).Draw(t, "machine"),
				})
			}
			all = append(all, writeChain(t, w, segment.NewChain(begin), events, func(int) bool { return rapid.Bool().Draw(t, "cut") })...)
		}
		slices.SortFunc(all, func(a, b written) int { return a.at.compare(b.at) })
		q := Query{
			Institute: rapid.SampledFrom([]string{"", "a"}).Draw(t, "q.institute"), Subject: rapid.SampledFrom([]string{"", "s"}).Draw(t, "q.subject"),
			Principal: rapid.SampledFrom([]string{"", "p"}).Draw(t, "q.principal"), From: begin, To: begin.Add(400 * time.Hour),
			Size: rapid.IntRange(1, 7).Draw(t, "size"),
		}
		if len(all) > 0 {
			q.From = rapid.SampledFrom(all).Draw(t, "from").at.time.Add(rapid.SampledFrom([]time.Duration{0, time.Microsecond, -time.Second}).Draw(t, "from offset"))
			q.To = rapid.SampledFrom(all).Draw(t, "to").at.time.Add(rapid.SampledFrom([]time.Duration{0, time.Microsecond, time.Minute}).Draw(t, "to offset"))
		}
		var want, got []string
		for _, x := range all {
			if !x.at.time.Before(q.From) && x.at.time.Before(q.To) && q.matches(x.event) {
				want = append(want, x.event.ID)
			}
		}
		for pages := 0; ; pages++ {
			page, err := w.reader().List(context.Background(), q)
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Events) > q.Size || pages > len(all)+1 {
				t.Fatalf("page %d has %d events", pages, len(page.Events))
			}
			for _, e := range page.Events {
				got = append(got, e.ID)
			}
			if q.Token = page.Next; q.Token == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// failer is what a test and a check of rapid have in common.
type failer interface {
	Helper()
	Fatal(...any)
}

// TestListReadsWhatIsAskedFor looks at which parts of a long log are touched.
func TestListReadsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld()
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var events []Event
	for n := range 3000 {
		events = append(events, Event{ID: fmt.Sprint(n), Time: begin.Add(time.Duration(n) * 10 * time.Second), Code: "OK"})
	}
	writeChain(t, w, segment.NewChain(begin), events, func(int) bool { return true })
	q := Query{From: begin.Add(3*time.Hour + 30*time.Minute), To: begin.Add(3*time.Hour + 35*time.Minute), Size: 100}
	page, err := w.reader().List(t.Context(), q)
	if err != nil || len(page.Events) != 30 || page.Events[0].ID != "1260" {
		t.Fatalf("%d events, %v", len(page.Events), err)
	}
	if w.archive.reads > 32 || len(w.archive.lists) != 5 || w.archive.lists[0] != "segments/2026-01-01/03/30" {
		t.Errorf("%d segments were read of lists %v", w.archive.reads, w.archive.lists)
	}
	w.archive.lists = nil
	q.From, q.To, q.Institute = begin.Add(22*time.Hour+58*time.Minute), begin.Add(72*time.Hour), "nobody"
	if _, err := w.reader().List(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if want := []string{"segments/2026-01-01/22/58", "segments/2026-01-01/22/59", "segments/2026-01-01/23/", "segments/2026-01-02/", "segments/2026-01-03/"}; !slices.Equal(w.archive.lists, want) {
		t.Errorf("lists %v", w.archive.lists)
	}
	// What is found of nobody takes several pages, none of which reads all.
	q.From, q.Token = begin, ""
	pages := 0
	for {
		before := w.archive.reads
		page, err := w.reader().List(t.Context(), q)
		if err != nil || len(page.Events) > 0 {
			t.Fatalf("%d events, %v", len(page.Events), err)
		}
		if n := w.archive.reads - before; n > pageSegments+1 {
			t.Errorf("%d segments were read for a page", n)
		}
		pages++
		if q.Token = page.Next; q.Token == "" {
			break
		}
	}
	if pages != 2 {
		t.Errorf("%d pages", pages)
	}
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld()
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var events []Event
	for n := range 10 {
		events = append(events, Event{ID: fmt.Sprint(n), Time: begin.Add(time.Duration(n) * time.Second), Code: "OK"})
	}
	writeChain(t, w, segment.NewChain(begin), events, func(int) bool { return true })
	q := Query{Institute: "a", From: begin, To: begin.Add(time.Hour), Size: 3}
	q.Institute = ""
	page, err := w.reader().List(t.Context(), q)
	if err != nil || page.Next == "" || len(page.Next) > 256 {
		t.Fatalf("%+v, %v", page, err)
	}
	for what, change := range map[string]func(*Query){
		"another institute": func(q *Query) { q.Institute = "b" },
		"another subject":   func(q *Query) { q.Subject = "b" },
		"another principal": func(q *Query) { q.Principal = "b" },
		"another beginning": func(q *Query) { q.From = q.From.Add(time.Second) },
		"rubbish":           func(q *Query) { q.Token = "!" },
		"cut":               func(q *Query) { q.Token = q.Token[1:] },
	} {
		other := q
		other.Token = page.Next
		change(&other)
		if _, err := w.reader().List(t.Context(), other); !errors.Is(err, ErrToken) {
			t.Errorf("a token with %s: %v", what, err)
		}
	}
	for i := range page.Next {
		other := q
		other.Token = page.Next[:i] + string(page.Next[i]^1) + page.Next[i+1:]
		if got, err := w.reader().List(t.Context(), other); err != nil && !errors.Is(err, ErrToken) || len(got.Events) > q.Size {
			t.Errorf("a changed token: %v", err)
		}
	}
	name := w.archive.names()[4]
	w.archive.set(name, []byte(strings.Replace(string(w.archive.get(name)), `"OK"`, `"NO"`, 1)))
	whole := Query{From: begin, To: begin.Add(time.Hour), Size: 100}
	if got, err := w.reader().List(t.Context(), whole); err != nil || !got.Damaged || len(got.Events) == 0 {
		t.Errorf("a changed segment: %d events, damaged %t, %v", len(got.Events), got.Damaged, err)
	}
	if _, err := w.reader().List(t.Context(), Query{From: begin, To: begin.Add(time.Hour)}); err == nil {
		t.Error("a page without size")
	}
}

// TestEventIsALine keeps the JSON form, which is part of the format.
func TestEventIsALine(t *testing.T) {
	t.Parallel()
	e := Event{
		ID: "i", Time: time.Date(2026, 11, 22, 1, 2, 3, 4000, time.UTC), Action: "S/M", Principal: "p", Machine: "m", Role: "r", Institute: "n",
		Subject: "s", Artefact: "a", Scan: "c", Receipt: "e", Purpose: "U", Fields: []string{"f<&>"}, Call: "l", RequestID: "q", Code: "OK", Reason: "z",
	}
	line, err := encode(e)
	want := `{"id":"i","time":"2026-11-22T01:02:03.000004Z","action":"S/M","principal":"p","machine":"m","role":"r","institute":"n","subject":"s","artefact":"a",` +
		`"scan":"c","receipt":"e","purpose":"U","fields":["f<&>"],"call":"l","request_id":"q","code":"OK","reason":"z"}` + "\n"
	if err != nil || string(line) != want {
		t.Errorf("%v\n%s", err, line)
	}
	var back Event
	if err := json.Unmarshal(line, &back); err != nil || cmp.Compare(fmt.Sprint(back), fmt.Sprint(e)) != 0 {
		t.Errorf("%v, %+v", err, back)
	}
	e.Reason = strings.Repeat("x", maxEvent)
	if _, err := encode(e); !errors.Is(err, ErrUnavailable) {
		t.Errorf("an event that is too large: %v", err)
	}
}
