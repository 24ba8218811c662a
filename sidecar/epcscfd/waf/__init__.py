"""The WAF's face to the web: an adapter, as `rpc/` is. What it answers, `app.oauth` decides."""
