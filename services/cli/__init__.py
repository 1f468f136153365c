"""The command ``oncorelay``: thin, speaks gRPC, starts services. The only package that may see several of them."""
