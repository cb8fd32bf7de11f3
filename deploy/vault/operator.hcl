# What `wertfach keys` may do in Vault: rotate keys, and wrap data keys anew. To seal
# a dossier again it opens it, in the process's memory; secrets and scans it can't
# open: wrapping a data key anew lets nobody see it. It destroys nothing, neither keys
# nor versions of them: with --retire-old it leaves those to the sweeper.
# `wertfach init` installs it, with the configured transit_mount in the place of
# transit/.

path "transit/keys/+/rotate" { capabilities = ["update"] }
path "transit/rewrap/+"      { capabilities = ["update"] }

# Which versions there are.
path "transit/keys/+" { capabilities = ["read"] }

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
