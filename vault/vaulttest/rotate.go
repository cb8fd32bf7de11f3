package vaulttest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/wertfach/wertfach/vault"
)

func testRotate(t *testing.T, f fixture) {
	ctx := t.Context()
	made := []vault.DataKey{f.create(t, alice, vault.Dossier)}
	for version := 2; version <= 4; version++ {
		if err := f.keys.Rotate(ctx, alice); err != nil {
			t.Fatal(err)
		}
		info, err := f.keys.Info(ctx, alice)
		if err != nil || info.LatestVersion != version {
			t.Fatalf("info: version %d, error %v; want version %d", info.LatestVersion, err, version)
		}
		dk, err := f.keys.DataKey(ctx, alice, vault.Dossier)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, dk)
		for _, dk := range made {
			f.opens(t, alice, vault.Dossier, dk)
		}
	}
}

func testRewrap(t *testing.T, f fixture) {
	ctx := t.Context()
	old := f.create(t, alice, vault.Dossier)
	if err := f.keys.Rotate(ctx, alice); err != nil {
		t.Fatal(err)
	}
	again, err := f.keys.Rewrap(ctx, alice, vault.Dossier, old.Wrapped)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(again, old.Wrapped) {
		t.Error("rewrapping changed nothing")
	}
	moved := vault.DataKey{Plaintext: old.Plaintext, Wrapped: again}
	f.opens(t, alice, vault.Dossier, moved)
	f.opens(t, alice, vault.Dossier, old)
	_, err = f.keys.Unwrap(ctx, alice, vault.Secret, again)
	isKind(t, err, vault.ErrInvalid)
	_, err = f.keys.Rewrap(ctx, alice, vault.Dossier, flip(old.Wrapped, len(old.Wrapped)-3, 1))
	isKind(t, err, vault.ErrInvalid)
	same, err := f.keys.Rewrap(ctx, alice, vault.Dossier, again)
	if err != nil || !bytes.Equal(same, again) {
		t.Errorf("what was under the newest version did not stay as it was (%v)", err)
	}
}

func testRewrapAll(t *testing.T, f fixture) {
	ctx := t.Context()
	var old []vault.DataKey
	var wrapped [][]byte
	f.create(t, alice, vault.Secret)
	add := func() {
		dk, err := f.keys.DataKey(ctx, alice, vault.Secret)
		if err != nil {
			t.Fatal(err)
		}
		old, wrapped = append(old, dk), append(wrapped, dk.Wrapped)
	}
	for range 3 {
		add()
		if err := f.keys.Rotate(ctx, alice); err != nil {
			t.Fatal(err)
		}
	}
	add() // under the newest version already
	again, err := f.keys.RewrapAll(ctx, alice, vault.Secret, wrapped)
	if err != nil || len(again) != len(wrapped) {
		t.Fatalf("%d data keys in answer to %d: %v", len(again), len(wrapped), err)
	}
	for i, dk := range old {
		f.opens(t, alice, vault.Secret, vault.DataKey{Plaintext: dk.Plaintext, Wrapped: again[i]})
		if last := i == len(old)-1; last != bytes.Equal(again[i], wrapped[i]) {
			t.Errorf("data key %d of %d: only the last one was under the newest version", i, len(old))
		}
	}
	none, err := f.keys.RewrapAll(ctx, alice, vault.Secret, nil)
	if err != nil || len(none) != 0 {
		t.Errorf("nothing to rewrap: %d, %v", len(none), err)
	}
	for at := range wrapped {
		batch := append([][]byte{}, wrapped...)
		batch[at] = flip(batch[at], len(batch[at])-3, 1)
		got, err := f.keys.RewrapAll(ctx, alice, vault.Secret, batch)
		isKind(t, err, vault.ErrInvalid, string(batch[at]))
		if got != nil {
			t.Errorf("one did not open at %d, and others were given", at)
		}
	}
}

// testRetire destroys old versions, and only those, and nothing that a driver
// can be asked for afterwards brings one back.
func testRetire(t *testing.T, f fixture) {
	ctx := t.Context()
	made := []vault.DataKey{f.create(t, alice, vault.Dossier)}
	rotate := func() {
		t.Helper()
		if err := f.keys.Rotate(ctx, alice); err != nil {
			t.Fatal(err)
		}
		dk, err := f.keys.DataKey(ctx, alice, vault.Dossier)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, dk)
	}
	for range 3 {
		rotate()
	}
	moved := made[0]
	rewrap := func() {
		t.Helper()
		var err error
		if moved.Wrapped, err = f.keys.Rewrap(ctx, alice, vault.Dossier, moved.Wrapped); err != nil {
			t.Fatal(err)
		}
	}
	rewrap()
	for _, wrong := range []int{-1, 0, 5} {
		isKind(t, f.keys.Retire(ctx, alice, wrong), vault.ErrInvalid)
	}
	// stand checks which versions there are, and that what is under them opens,
	// and what is under older ones does not.
	stand := func(after string, want vault.Info) {
		t.Helper()
		if info, err := f.keys.Info(ctx, alice); err != nil || info != want {
			t.Fatalf("after %s: %+v, %v; want %+v", after, info, err, want)
		}
		for i, dk := range made {
			if i+1 >= want.OldestVersion {
				f.opens(t, alice, vault.Dossier, dk)
				continue
			}
			_, err := f.keys.Unwrap(ctx, alice, vault.Dossier, dk.Wrapped)
			isKind(t, err, vault.ErrInvalid, string(dk.Wrapped))
			_, err = f.keys.Rewrap(ctx, alice, vault.Dossier, dk.Wrapped)
			isKind(t, err, vault.ErrInvalid, string(dk.Wrapped))
		}
		f.opens(t, alice, vault.Dossier, moved)
	}
	retire := func(ask, oldest int) {
		t.Helper()
		if err := f.keys.Retire(ctx, alice, ask); err != nil {
			t.Fatal(err)
		}
		stand(fmt.Sprintf("retiring below %d", ask), vault.Info{LatestVersion: len(made), OldestVersion: oldest})
	}
	for _, step := range []struct{ ask, oldest int }{{1, 1}, {3, 3}, {3, 3}, {2, 3}, {4, 4}} {
		retire(step.ask, step.oldest)
	}
	// All goes on under further versions, and they can be retired too: what is
	// made and rewrapped now is under the newest.
	for range 2 {
		rotate()
		stand("rotating", vault.Info{LatestVersion: len(made), OldestVersion: len(made) - 1})
		rewrap()
		retire(len(made), len(made))
	}
	if _, err := f.keys.Create(ctx, alice, vault.Dossier); err != nil {
		t.Error(err)
	}
	if err := f.keys.Prepare(ctx); err != nil {
		t.Error(err)
	}
	stand("creating again", vault.Info{LatestVersion: len(made), OldestVersion: len(made)})
	if err := f.keys.Destroy(ctx, alice); err != nil {
		t.Fatal(err)
	}
	f.gone(t, alice, moved.Wrapped)
	isKind(t, f.keys.Retire(ctx, alice, 1), vault.ErrNotFound)
}
