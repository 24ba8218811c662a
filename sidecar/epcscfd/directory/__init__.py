"""Directories of web users: the WAF's own, and LDAP."""
