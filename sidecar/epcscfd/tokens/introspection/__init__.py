"""Asking authorization entities about their tokens (RFC 7662)."""
