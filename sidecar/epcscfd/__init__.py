"""The sidecar: judges REGISTERs of browser clients and holds the policy by which it does."""
