"""Commands about the WAF."""
