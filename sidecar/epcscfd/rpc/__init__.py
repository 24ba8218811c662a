"""The gRPC edge: the only place that sees generated code."""
