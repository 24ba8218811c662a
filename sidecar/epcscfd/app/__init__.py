"""The use cases: gather the evidence, then judge."""
