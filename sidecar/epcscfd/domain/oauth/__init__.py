"""The rules by which the WAF issues tokens (RFC 6749 and its family)."""
