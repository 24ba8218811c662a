"""Commands about decisions: what was judged, and why so."""
