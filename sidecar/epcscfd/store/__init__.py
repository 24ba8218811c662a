"""Where the policy is kept."""
