"""What becomes of a chosen plan: `attempt.step`, and whatever it may do while it waits. Pure.

The agent, sync and async, and the simulator drive this one machine; it asks for effects and is told events."""
