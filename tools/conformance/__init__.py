"""Which rows of the requirements are carried by tests, and which are not.

* docs/requirements.toml says what is asked, docs/decisions.toml what we do otherwise.
* Tests name the rows that they carry: `@pytest.mark.req("S003-20")`.
* `plugin` notes what became of these tests, `python -m tools.conformance` writes
  docs/conformance.md from it, `--check` tells whether that page may still be believed.
"""
