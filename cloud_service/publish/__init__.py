"""From a full model to a release with a promise: inspect, compress, certify, write. Needs the `publish` extra."""
