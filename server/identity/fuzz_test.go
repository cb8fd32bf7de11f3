package identity_test

import (
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/wertfach/wertfach/custody/fault"
)

// FuzzBearer: whatever the header holds, nobody else than the person of the one
// good token comes out of it, and no error repeats it.
func FuzzBearer(f *testing.F) {
	c, l, key := newClock(), newLogin(f), newKey(f)
	l.publish("one", key.Public(), jose.ES256)
	r := registry(f, l.config(c))
	good := signed(f, key, jose.ES256, "one", l.claims(c.Now(), nil))
	parts := strings.Split(good, ".")
	for _, seed := range []string{
		good, "", "Bearer", "Bearer ", "bearer a.b.c", "Basic YTpi", good + "," + good, parts[0] + "." + parts[1] + ".",
		"Bearer " + part(f, map[string]string{"alg": "none"}) + "." + parts[1] + ".e30", "Bearer e30.e30.e30", strings.ToUpper(good),
		signed(f, key, jose.ES256, "two", l.claims(c.Now(), nil)), "Bearer \x00.\xff.x",
	} {
		f.Add(seed)
	}
	cert := leaf(f, c.Now(), console)
	f.Fuzz(func(t *testing.T, authorization string) {
		p, err := r.Identify(t.Context(), cert, authorization)
		switch {
		case err != nil && (fault.KindOf(err) != fault.Unauthenticated || len(p.Grants) > 0):
			t.Errorf("%v, with %v", err, p.Grants)
		case err != nil && len(authorization) > 40 && strings.Contains(err.Error(), authorization[8:]):
			t.Errorf("the error repeats the header: %v", err)
		case err == nil && p.Person() && p.ID != l.url+"#agent-7":
			t.Errorf("it is %s", p.ID)
		case err == nil && !p.Person() && authorization != "":
			t.Error("a header that is no token was let pass")
		}
	})
}
