# What `wertfach init` may do in Vault: mount the transit engine, bound its cache,
# make the two keys of the system, wrap the index secret, and install the policies
# and AppRoles of the deployment's processes. No customer's key is within its reach;
# but who may write a policy may give a key's user any right, so give it a token
# for the occasion, which ends by itself:
#
#   vault policy write wertfach-init init.hcl
#   vault token create -policy=wertfach-init -no-default-policy -ttl=10m -field=token > init.token
#   wertfach init --config wertfach.yaml --vault-token-file init.token --credentials-out DIR
#
# Where policies and roles are somebody else's to write, leave out all from
# "Who works here" on, and --credentials-out.

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
  capabilities       = ["update"]
  allowed_parameters = {
    "context" = ["aW5kZXg="] # index
  }
}
path "transit/decrypt/system" {
  capabilities       = ["update"]
  allowed_parameters = {
    "ciphertext" = []
    "context"    = ["aW5kZXg="]
  }
}

# Who works here. AppRole is enabled where it is missing.
path "sys/auth/approle" {
  capabilities       = ["create", "read", "update", "sudo"]
  allowed_parameters = {
    "type"        = ["approle"]
    "description" = []
  }
}
path "sys/policies/acl/wertfach-server"   { capabilities = ["create", "update"] }
path "sys/policies/acl/wertfach-sweeper"  { capabilities = ["create", "update"] }
path "sys/policies/acl/wertfach-hotline"  { capabilities = ["create", "update"] }
path "sys/policies/acl/wertfach-operator" { capabilities = ["create", "update"] }

path "auth/approle/role/wertfach-server"   { capabilities = ["create", "update"] }
path "auth/approle/role/wertfach-sweeper"  { capabilities = ["create", "update"] }
path "auth/approle/role/wertfach-hotline"  { capabilities = ["create", "update"] }
path "auth/approle/role/wertfach-operator" { capabilities = ["create", "update"] }

path "auth/approle/role/wertfach-server/role-id"   { capabilities = ["read"] }
path "auth/approle/role/wertfach-sweeper/role-id"  { capabilities = ["read"] }
path "auth/approle/role/wertfach-hotline/role-id"  { capabilities = ["read"] }
path "auth/approle/role/wertfach-operator/role-id" { capabilities = ["read"] }

path "auth/approle/role/wertfach-server/secret-id"   { capabilities = ["update"] }
path "auth/approle/role/wertfach-sweeper/secret-id"  { capabilities = ["update"] }
path "auth/approle/role/wertfach-hotline/secret-id"  { capabilities = ["update"] }
path "auth/approle/role/wertfach-operator/secret-id" { capabilities = ["update"] }

# The token of the occasion.
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self"  { capabilities = ["update"] }
