"""Commands for resources one by one: a group per kind."""
