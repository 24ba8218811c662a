"""Commands about blocks that web servers register."""
