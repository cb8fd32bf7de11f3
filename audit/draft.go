package audit

import (
	"context"
	"slices"
	"sync"
)

// A Draft is the event of a call that is under way. The edge begins it with who
// calls what; the code that does the work adds what it was about as soon as it
// knows. It is safe for concurrent use.
type Draft struct {
	mu    sync.Mutex
	event Event
}

type draftKey struct{}

// Begin gives a context that carries a new draft.
func Begin(ctx context.Context, e Event) (context.Context, *Draft) {
	d := &Draft{event: e}
	return context.WithValue(ctx, draftKey{}, d), d
}

// Of is the draft that the context carries. Where it carries none, what is added
// goes nowhere: tests of rules and the preparation of a deployment have no caller.
func Of(ctx context.Context) *Draft {
	if d, ok := ctx.Value(draftKey{}).(*Draft); ok {
		return d
	}
	return new(Draft)
}

// Add changes the event.
func (d *Draft) Add(change func(*Event)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.event)
}

// Subject adds whose record the call is about.
func (d *Draft) Subject(id string) { d.Add(func(e *Event) { e.Subject = id }) }

// Artefact adds which artefact it is about, one that is there.
func (d *Draft) Artefact(id string) { d.Add(func(e *Event) { e.Artefact = id }) }

// Scan adds which scan of which artefact it is about, one that is there.
func (d *Draft) Scan(artefact, id string) {
	d.Add(func(e *Event) { e.Artefact, e.Scan = artefact, id })
}

// Receipt adds which receipt it is about. What leads from it to the customer's
// other events, the subject and the request's id, then stays out of the event,
// whenever it was or will be added: a receipt's id tells its customer to who has
// the deployment's secret; the log should not add to that what the customer did
// before.
func (d *Draft) Receipt(id string) { d.Add(func(e *Event) { e.Receipt = id }) }

// Purpose adds what it was done for.
func (d *Draft) Purpose(name string) { d.Add(func(e *Event) { e.Purpose = name }) }

// Revealed adds the secret fields that were opened, by their paths.
func (d *Draft) Revealed(paths []string) { d.Add(func(e *Event) { e.Fields = paths }) }

// Event is the event as it stands.
func (d *Draft) Event() Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.event
	if e.Receipt != "" {
		e.Subject, e.RequestID = "", ""
	}
	e.Fields = slices.Clone(e.Fields)
	return e
}
