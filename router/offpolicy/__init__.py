"""What another policy would have come to, from the records of one that acted: which decisions change and why, and
estimates by importance weights, as far as the log supports any. Pure.

Nothing here simulates. A record's estimates, budgets and radio are those of the world that the logged policy made, and
what came of a request is what came of it there; router/simulate is for what a policy does to its own world.

changes.py    which decisions are others, and what turned them
odds.py       with which probability a plan was taken, and would be
course.py     whether a request would have gone the same way on another policy's terms
outcome.py    what came of a request, and what was expected of it
sums.py       what is summed over records, in blocks
estimate.py   estimates from the sums, or why there is none
exploring.py  how much exploration it would take
audited.py    who was right, of requests that were audited
replaying.py  one record after the other
"""
