"""Identities that are lent: one user at a time, for a time (TS 23.228 U.2.1.4, TS 33.203 X.4)."""
