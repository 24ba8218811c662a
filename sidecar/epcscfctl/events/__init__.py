"""Commands about what WWSFs are told of their identities."""
