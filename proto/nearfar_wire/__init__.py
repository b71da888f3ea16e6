"""The contract between the device and the cloud: the Open Inference Protocol v2, and what both sides must agree on.

errors, specs, tensors, parameters   tensors in messages, and whether they are what a model takes
digest, manifest, prepare, images    what a release holds, and how the app's tensors become a model's
status, service                      error codes and methods on gRPC
envelope, fields, varints, answer    requests read before they are parsed, at a bounded price; answers written at once
load_report                          how busy the service is, as balancers read it

Importing this package costs nothing: each module is imported by the name of its idea, and brings what it needs."""

from __future__ import annotations

__all__: list[str] = []
