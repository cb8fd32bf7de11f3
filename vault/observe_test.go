package vault_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/wertfach/wertfach/vault"
)

// ops are the words that the observer's documentation promises.
var ops = []string{
	"create", "data key", "unwrap", "unwrap all", "rewrap", "rewrap all", "rotate", "retire",
	"destroy", "info", "sign", "public keys", "prepare", "ping",
}

// TestObserver calls every method there is: one observation each, under one of the
// words that are documented, with the error that the caller gets.
func TestObserver(t *testing.T) {
	t.Parallel()
	type seen struct {
		op  string
		err error
	}
	var got []seen
	observer := func(ctx context.Context, op string) (context.Context, func(error)) {
		return ctx, func(err error) { got = append(got, seen{op, err}) }
	}
	down := errors.New("down")
	keys := vault.New(&stub{err: down}, vault.WithObserver(observer))
	v := reflect.ValueOf(keys)
	used := map[string]bool{}
	for i := range v.NumMethod() {
		method := v.Type().Method(i)
		if method.Type.NumIn() < 2 || method.Type.In(1) != reflect.TypeFor[context.Context]() {
			continue // Close: no call of anybody's
		}
		args := []reflect.Value{reflect.ValueOf(t.Context())}
		for j := 2; j < method.Type.NumIn(); j++ {
			args = append(args, argument(method.Type.In(j)))
		}
		got = nil
		results := v.Method(i).Call(args)
		err, _ := results[len(results)-1].Interface().(error)
		if !errors.Is(err, down) {
			t.Fatalf("%s: %v", method.Name, err)
		}
		if len(got) != 1 || !errors.Is(got[0].err, down) || !slices.Contains(ops, got[0].op) || used[got[0].op] {
			t.Errorf("%s: observed %v", method.Name, got)
			continue
		}
		used[got[0].op] = true
	}
	if len(used) != len(ops) {
		t.Errorf("observed %v, promised are %v", used, ops)
	}
}

// argument is a value of that type with which a call reaches the driver.
func argument(t reflect.Type) reflect.Value {
	switch t {
	case reflect.TypeFor[string]():
		return reflect.ValueOf("bank-alice")
	case reflect.TypeFor[vault.Context]():
		return reflect.ValueOf(vault.Dossier)
	case reflect.TypeFor[[]byte]():
		return reflect.ValueOf([]byte("wrapped"))
	case reflect.TypeFor[[][]byte]():
		return reflect.ValueOf([][]byte{[]byte("wrapped")})
	case reflect.TypeFor[int]():
		return reflect.ValueOf(1)
	}
	return reflect.Zero(t)
}

// TestObserverSeesRefusedInput: it is told of calls that never reach the driver.
func TestObserverSeesRefusedInput(t *testing.T) {
	t.Parallel()
	var told error
	keys := vault.New(healthy(), vault.WithObserver(func(ctx context.Context, _ string) (context.Context, func(error)) {
		return ctx, func(err error) { told = err }
	}))
	if _, err := keys.Create(t.Context(), "not a name", vault.Dossier); !errors.Is(err, vault.ErrInvalid) || !errors.Is(told, vault.ErrInvalid) {
		t.Errorf("got %v, told %v", err, told)
	}
}
