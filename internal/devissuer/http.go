package devissuer

import (
	"encoding/json"
	"net/http"

	"github.com/go-jose/go-jose/v4"
)

const keysPath = "/keys"

// metadata is the discovery document (OpenID Connect Discovery 1.0, section 3).
// It lists what is there: as long as nobody can log in here by browser, there is
// no authorization endpoint, though the standard wants one.
type metadata struct {
	Issuer     string   `json:"issuer"`
	Keys       string   `json:"jwks_uri"`
	Subjects   []string `json:"subject_types_supported"`
	Algorithms []string `json:"id_token_signing_alg_values_supported"`
	Claims     []string `json:"claims_supported"`
}

// handler is what the issuer serves.
func (i *Issuer) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /.well-known/openid-configuration", document(metadata{
		Issuer: i.url, Keys: i.url + keysPath,
		Subjects: []string{"public"}, Algorithms: []string{string(jose.ES256)},
		Claims: []string{"iss", "sub", "aud", "iat", "exp", "groups"},
	}))
	mux.Handle("GET "+keysPath, document(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{
		Key: i.key.Public(), KeyID: i.keyID(), Algorithm: string(jose.ES256), Use: "sig",
	}}}))
	return mux
}

// document serves what does not change.
func document(content any) http.Handler {
	text, err := json.Marshal(content)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err != nil {
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text) // who does not wait for it does not want it
	})
}
