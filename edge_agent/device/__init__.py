"""The models on this device: whether a release fits, who runs it, and what is done when a run goes wrong."""
