# What `wertfach sweep` may do in Vault, and nobody else: destroy customers' keys.
# It opens dossiers, to see what belongs to them, and neither secrets nor scans; it
# makes no key. Where part of a dossier goes by its rule it gives the key a new
# version, wraps what stays anew and destroys the older versions. `wertfach init`
# installs it, with the configured transit_mount in the place of transit/.

# In the context of dossiers only. Vault does not look at contexts within a batch,
# which is not among the parameters and so denied.
path "transit/decrypt/+" {
  capabilities       = ["update"]
  allowed_parameters = {
    "ciphertext" = []
    "context"    = ["ZG9zc2llcg=="] # dossier
  }
}
# The secret behind pseudonyms and blind indexes is opened once, at the start.
path "transit/decrypt/system" { capabilities = ["update"] }

# Destroying takes two steps. Of a key: its deletion is allowed, and then done. Of
# older versions: their use is ended, for decrypting and encrypting, and then they
# are trimmed.
path "transit/keys/+" { capabilities = ["read", "delete"] }
path "transit/keys/+/config" {
  capabilities       = ["update"]
  allowed_parameters = {
    "deletion_allowed"       = [true]
    "min_decryption_version" = []
    "min_encryption_version" = []
  }
}
path "transit/keys/+/trim" {
  capabilities       = ["update"]
  allowed_parameters = { "min_available_version" = [] }
}
path "transit/keys/+/rotate" { capabilities = ["update"] }
path "transit/rewrap/+"      { capabilities = ["update"] }
# Not those of the system.
path "transit/keys/attest"        { capabilities = ["read"] }
path "transit/keys/attest/config" { capabilities = ["deny"] }
path "transit/keys/system"        { capabilities = ["deny"] }
path "transit/keys/system/config" { capabilities = ["deny"] }
path "transit/keys/attest/trim"   { capabilities = ["deny"] }
path "transit/keys/system/trim"   { capabilities = ["deny"] }
path "transit/keys/attest/rotate" { capabilities = ["deny"] }
path "transit/keys/system/rotate" { capabilities = ["deny"] }
path "transit/rewrap/system"      { capabilities = ["deny"] }

# Receipts and segments of the audit log are signed.
path "transit/sign/attest" { capabilities = ["update"] }

# The sweeper's own token.
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self"  { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
