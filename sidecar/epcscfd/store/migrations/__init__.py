"""The way to the present tables, step by step; run by `migrate.py`, never by hand."""
