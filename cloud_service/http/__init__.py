"""The operations port: metrics and probes over HTTP. Nothing here can infer, change or stop anything."""
