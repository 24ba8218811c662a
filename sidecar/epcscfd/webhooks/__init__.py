"""Delivery of events over HTTPS."""
