"""`apply`: a whole policy from one file."""
