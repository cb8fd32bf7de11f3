package custody

import (
	"context"
	"slices"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/field"
	"github.com/wertfach/wertfach/custody/seal"
	storagev1 "github.com/wertfach/wertfach/proto/wertfach/storage/v1"
	"github.com/wertfach/wertfach/vault"
)

// open gives a record's values without its secrets: those show as masked.
func open(r *storagev1.Record) field.Values {
	values := field.Values{}
	for _, v := range r.GetValues() {
		values[v.GetPath()] = v.GetValue()
	}
	return values
}

// masked gives a record's values as a reader without a reveal sees them.
func masked(t *field.Table, r *storagev1.Record) field.Values {
	values := open(r)
	for path, text := range values {
		if s := t.Spec(path); s != nil && !s.Secret {
			values[path] = s.Show(text)
		}
	}
	return values
}

// compartment binds a secret to its place: institute, customer, resource and
// field. Object is the resource within the dossier.
func (d *Dossier) compartment(resource, path string) seal.Binding {
	return seal.Binding{
		Institute: d.place.institute, Pseudonym: d.place.pseudonym,
		Object: d.place.dossier() + "#" + resource + "/" + path, Compartment: string(vault.Secret),
	}
}

// write sets the values at paths in a record; an absent value clears its field.
// A secret goes to a compartment of its own, and its masked form beside the
// other values.
func (d *Dossier) write(t *field.Table, r *storagev1.Record, resource string, values field.Values, paths []string) error {
	for _, path := range paths {
		s := t.Spec(path)
		r.Values = slices.DeleteFunc(r.Values, func(v *storagev1.Value) bool { return v.GetPath() == path })
		r.Compartments = slices.DeleteFunc(r.Compartments, func(c *storagev1.Compartment) bool { return c.GetPath() == path })
		text := values[path]
		if text == "" {
			continue
		}
		if s.Secret {
			sealed, err := seal.Seal(d.secret, d.compartment(resource, path), []byte(text))
			if err != nil {
				return err
			}
			r.Compartments = append(r.Compartments, &storagev1.Compartment{Path: path, Sealed: sealed})
			text = s.Show(text)
		}
		r.Values = append(r.Values, &storagev1.Value{Path: path, Value: text})
	}
	return nil
}

// secrets says whether any of the paths that are set is a secret, so that a
// data key for secrets is needed.
func secrets(t *field.Table, values field.Values) bool {
	for path := range values {
		if s := t.Spec(path); s != nil && s.Secret {
			return true
		}
	}
	return false
}

// reveal opens the compartments at paths with one call for all their keys. It
// is the only way to a secret, and so the only user of the secret context for
// reading.
func (c *Custodian) reveal(ctx context.Context, d *Dossier, resource string, r *storagev1.Record, paths []string) (field.Values, error) {
	var wrapped [][]byte
	var chosen []*storagev1.Compartment
	keyOf := map[string]int{}
	for _, comp := range r.GetCompartments() {
		if !slices.Contains(paths, comp.GetPath()) {
			continue
		}
		h, err := seal.ParseHeader(comp.GetSealed())
		if err != nil || h.KeyName != d.key.Name {
			return nil, fault.Wrap(err, fault.Corrupt, ReasonCorrupt, "a stored secret does not authenticate")
		}
		if _, known := keyOf[string(h.Wrapped)]; !known {
			keyOf[string(h.Wrapped)] = len(wrapped)
			wrapped = append(wrapped, h.Wrapped)
		}
		chosen = append(chosen, comp)
	}
	values := field.Values{}
	if len(chosen) == 0 {
		return values, nil
	}
	keys, err := c.keys.UnwrapAll(ctx, d.key.Name, vault.Secret, wrapped)
	if err != nil {
		return nil, backend(err)
	}
	for _, comp := range chosen {
		h, _ := seal.ParseHeader(comp.GetSealed())
		text, err := seal.Open(keys[keyOf[string(h.Wrapped)]], d.compartment(resource, comp.GetPath()), comp.GetSealed())
		if err != nil {
			return nil, backend(err)
		}
		values[comp.GetPath()] = string(text)
	}
	for _, key := range keys {
		clear(key)
	}
	return values, nil
}
