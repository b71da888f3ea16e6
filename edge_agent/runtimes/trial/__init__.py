"""A device's model is tried before it is trusted: on golden examples, on each provider that it may run on, bounded.

golden.py reads and compares the examples."""
