"""Escalation with a promise: which answers of the device may stay, and the proof that keeping them costs little.

gain.py says what the cloud would gain over an answer; learn.py turns calibration into a certified threshold, by
trinomial.py where there are labels and by binomial.py where there are only the cloud's answers; certificate.py is the
document that carries both to the device; watch.py and drift.py notice when production no longer is what was
calibrated; audits.py is what production sends back. All of it is pure: data, chance and time are arguments."""
