"""Verification of tokens: signatures and keys; whether the claims suffice is the domain's."""
