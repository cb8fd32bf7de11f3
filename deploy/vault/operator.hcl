# What `wertfach keys` may do in Vault: rotate keys, wrap data keys anew, and
# destroy old versions. To seal a dossier again it opens it, in the process's
# memory; secrets and scans it can't open: wrapping a data key anew lets nobody see
# it. It deletes no key, but Vault can't tell an old version from one that is still
# in use: a thief of these rights who rotates a key and trims it has destroyed what
# lies under it, as good as the sweeper. `wertfach init` installs it, with the
# configured transit_mount in the place of transit/.

path "transit/keys/+/rotate" { capabilities = ["update"] }
path "transit/rewrap/+"      { capabilities = ["update"] }

# Which versions there are. Destroying the old ones takes two steps: their use is
# ended, for decrypting and encrypting, and then they are trimmed, for good.
path "transit/keys/+" { capabilities = ["read"] }
path "transit/keys/+/config" {
  capabilities       = ["update"]
  allowed_parameters = {
    "min_decryption_version" = []
    "min_encryption_version" = []
  }
}
path "transit/keys/+/trim" {
  capabilities       = ["update"]
  allowed_parameters = { "min_available_version" = [] }
}
# Nothing is destroyed of the keys of the system. Of the one whose old signatures
# have to be verified no use is ended either.
path "transit/keys/attest/config" { capabilities = ["deny"] }
path "transit/keys/system/config" {
  capabilities       = ["update"]
  allowed_parameters = { "min_decryption_version" = [] }
}
path "transit/keys/attest/trim" { capabilities = ["deny"] }
path "transit/keys/system/trim" { capabilities = ["deny"] }

# In the context of dossiers only. Vault does not look at contexts within a batch,
# which is not among the parameters and so denied.
path "transit/decrypt/+" {
  capabilities       = ["update"]
  allowed_parameters = {
    "ciphertext" = []
    "context"    = ["ZG9zc2llcg=="] # dossier
  }
}
# The secret behind pseudonyms and blind indexes is opened, and where it is rotated
# sealed anew.
path "transit/decrypt/system"           { capabilities = ["update"] }
path "transit/datakey/plaintext/system" { capabilities = ["update"] }

# Segments of the audit log are signed.
path "transit/sign/attest" { capabilities = ["update"] }

# The operator's own token.
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self"  { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
