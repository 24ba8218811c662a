"""Where Prometheus asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import start_http_server

from epcscfd.errors import ConfigError


if TYPE_CHECKING:
    from wsgiref.simple_server import WSGIServer

    from prometheus_client import CollectorRegistry


def serve_metrics(listen: str, registry: CollectorRegistry) -> WSGIServer | None:
    """Serve metrics, if *listen* says where. Raise ConfigError."""
    if not listen:
        return None
    host, _, port = listen.rpartition(":")
    try:
        server, _ = start_http_server(int(port), host.strip("[]"), registry)
    except OSError as error:
        raise ConfigError("metrics.listen", f"{listen}: {error.strerror}") from None
    return server
