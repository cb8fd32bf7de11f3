# What a server that only hotlines use may do in Vault: open dossiers, so it can
# list and change what is in them, and neither secrets nor scans, so it can't
# reveal. It makes no keys, and so enrols nobody. `wertfach init` installs it, with
# the configured transit_mount in the place of transit/.

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

# Whether the keys of the last erasures are gone: where not, a backup was restored.
path "transit/keys/+" { capabilities = ["read"] }
path "transit/keys/system" { capabilities = ["deny"] }

# Segments of the audit log are signed, and verified.
path "transit/sign/attest" { capabilities = ["update"] }
path "transit/keys/attest" { capabilities = ["read"] }

# The server's own token.
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self"  { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
