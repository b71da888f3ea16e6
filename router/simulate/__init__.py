"""A device, its link and its servers in virtual time, so that a policy can be judged over a day of traffic. Pure.

What happens whatever is decided is replayed: arrivals, capacity of the link, load, charger, faults. What a decision
changes is simulated: the radio's sleep, queues, temperature, battery. Start at `world.World` (what can be done in it
and what comes of it) and `scenario.read_scenario` (the document that describes it)."""
