# What a wertfach server may do in Vault, and `wertfach sweep` too, which can run
# under the same AppRole. It assumes the transit engine at transit/; replace the
# path where transit_mount says otherwise.
#
#   vault policy write wertfach-server server.hcl
#   vault write auth/approle/role/wertfach-server \
#     token_policies=wertfach-server token_no_default_policy=true token_ttl=1h
#
# Whatever is not here is denied. What is denied below by name would else be
# covered by a pattern: the keys of the system itself are neither used for
# customers' data nor destroyed by a server.

# A customer's key is made with its first data key, for the dossier. Only
# "create": under a key that exists the server never encrypts this way.
path "transit/encrypt/+" {
  capabilities       = ["create"]
  allowed_parameters = {
    "type"      = ["aes256-gcm96"]
    "plaintext" = []
    "context"   = ["ZG9zc2llcg=="] # dossier
  }
}
path "transit/encrypt/attest" { capabilities = ["deny"] }
path "transit/encrypt/system" { capabilities = ["deny"] }

# Further data keys, for the compartments of a customer's data.
path "transit/datakey/plaintext/+" {
  capabilities        = ["update"]
  required_parameters = ["context"]
  allowed_parameters  = {
    "context" = ["ZG9zc2llcg==", "c2VjcmV0", "c2Nhbg=="] # dossier, secret, scan
  }
}
path "transit/datakey/plaintext/attest" { capabilities = ["deny"] }
path "transit/datakey/plaintext/system" { capabilities = ["deny"] }

# Data keys are opened one by one, or several in one request where a reveal needs
# them. Vault does not look into a batch, so the context is not bound there.
path "transit/decrypt/+" {
  capabilities       = ["update"]
  allowed_parameters = {
    "ciphertext"  = []
    "context"     = ["ZG9zc2llcg==", "c2VjcmV0", "c2Nhbg=="]
    "batch_input" = []
  }
}
path "transit/decrypt/attest" { capabilities = ["deny"] }

# The secret behind pseudonyms and blind indexes is opened once, at the start.
path "transit/decrypt/system" {
  capabilities        = ["update"]
  required_parameters = ["ciphertext", "context"]
  allowed_parameters  = {
    "ciphertext" = []
    "context"    = ["aW5kZXg="] # index
  }
}

# Erasing destroys a customer's key: its deletion is allowed, and then done.
path "transit/keys/+" {
  capabilities = ["read", "delete"]
}
path "transit/keys/+/config" {
  capabilities       = ["update"]
  allowed_parameters = {
    "deletion_allowed" = [true]
  }
}
path "transit/keys/attest"        { capabilities = ["read"] }
path "transit/keys/attest/config" { capabilities = ["deny"] }
path "transit/keys/system"        { capabilities = ["deny"] }
path "transit/keys/system/config" { capabilities = ["deny"] }

# Receipts are signed.
path "transit/sign/attest" {
  capabilities       = ["update"]
  allowed_parameters = {
    "input" = []
  }
}

# The server's own token.
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self"  { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
