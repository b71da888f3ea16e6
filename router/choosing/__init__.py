"""Which plan is the cheapest of those that nothing forbids. Start at `engine.decide`. Pure.

What a plan comes to (objective, options, outlook), what may not be (constraints, closed), what rules say (ruling), and
what is kept from one request to the next (keeping, memo, hysteresis). How a plan is run is in router/running."""
