"""Commands about the sidecar itself, and about this command line."""
