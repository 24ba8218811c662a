"""The use cases of the WAF: gather what the rules need, let them decide, keep what follows."""
