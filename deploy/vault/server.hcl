# What a wertfach server may do in Vault. `wertfach init` installs it, with the
# configured transit_mount in the place of transit/.
#
# Whatever is not here is denied: destroying a key or old versions of it is for
# sweeper.hcl alone, rotating one for it and operator.hcl. Vault copies the rules for each request, those
# about parameters at the highest price (45 µs of 240 for the set that said it
# all), so there is none here that binds nothing. All three contexts are a server's
# to use, and a customer's key, which is derived, Vault does not use without one.

# A customer's key is made with its first data key, for the dossier, and derived,
# which the context sees to. Only "create": under a key that exists, and those of
# the system do, a server encrypts nothing this way.
path "transit/encrypt/+" {
  capabilities       = ["create"]
  allowed_parameters = {
    "type"      = ["aes256-gcm96"]
    "plaintext" = []
    "context"   = ["ZG9zc2llcg=="] # dossier
  }
}

# Further data keys, for the compartments of a customer's data.
path "transit/datakey/plaintext/+"      { capabilities = ["update"] }
path "transit/datakey/plaintext/system" { capabilities = ["deny"] }

# Data keys are opened one by one, that of the index secret (key system) among
# them: in a batch, Vault's own audit log would show one request for any number.
path "transit/decrypt/+" {
  capabilities      = ["update"]
  denied_parameters = { "batch_input" = [] }
}

# Whether a key is there, and the public key that verifies what is signed.
path "transit/keys/+"      { capabilities = ["read"] }
path "transit/keys/system" { capabilities = ["deny"] }

# Segments of the audit log are signed.
path "transit/sign/attest" { capabilities = ["update"] }

# The server's own token.
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self"  { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
