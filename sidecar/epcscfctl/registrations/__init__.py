"""Commands about who is registered."""
