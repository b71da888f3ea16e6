"""Runtimes behind the service's Backend, one module each; the only code that knows them."""
