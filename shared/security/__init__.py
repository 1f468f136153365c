"""Who may: TLS between services, tokens on HTTP doors, roles, secrets from files. Never: a secret in code or logs."""
