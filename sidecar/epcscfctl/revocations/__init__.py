"""Commands about tokens that are good no more."""
