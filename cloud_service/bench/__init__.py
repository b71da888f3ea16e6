"""`nearfar-cloud bench`: load on anyone's server of the Open Inference Protocol, and what came of it.

arrivals, tally, report   pure: when requests are due, how their ends are counted, what is told
prepared, options         the requests as bytes, and what was asked for on the command line
target, generator, fleet  the shells: a server at the other end, the loops that load it, the processes they run in

Nothing here imports the service: the server under load is another process, perhaps somebody else's."""
