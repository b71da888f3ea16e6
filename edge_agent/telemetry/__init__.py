"""What the agent tells of itself: metrics, the last decisions, records in a file. Nothing of it leaves by itself."""
