# What `wertfach init` may do in Vault: mount the transit engine, bound its cache,
# make the two keys of the system, and wrap the index secret. No customer's key is
# within its reach. Give it a token for the occasion, not the server's:
#
#   vault policy write wertfach-init init.hcl
#   vault token create -policy=wertfach-init -no-default-policy -ttl=10m -field=token > init.token
#   wertfach init --config wertfach.yaml --vault-token-file init.token

path "sys/mounts/transit" {
  capabilities       = ["create", "read", "update"]
  allowed_parameters = {
    "type"        = ["transit"]
    "description" = []
  }
}
path "transit/cache-config" { capabilities = ["read", "update"] }
path "transit/keys/attest"  { capabilities = ["create", "read", "update"] }
path "transit/keys/system"  { capabilities = ["create", "read", "update"] }

path "transit/datakey/plaintext/system" {
  capabilities        = ["update"]
  required_parameters = ["context"]
  allowed_parameters  = {
    "context" = ["aW5kZXg="] # index
  }
}
path "transit/decrypt/system" {
  capabilities        = ["update"]
  required_parameters = ["ciphertext", "context"]
  allowed_parameters  = {
    "ciphertext" = []
    "context"    = ["aW5kZXg="]
  }
}

path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self"  { capabilities = ["update"] }
