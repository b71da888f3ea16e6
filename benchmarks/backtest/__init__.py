"""The simulator against reality: the same requests, over the same network, live and in virtual time.

Live is a `nearfar-cloud serve` of its own and agents with real models, each behind a proxy that plays a recorded link
on real connections (air.py). Simulated is what router/simulate makes of the same scenario, whose device and server have
the numbers that were measured here a moment before (calibration.py). `python -m benchmarks backtest` prints how well
they agree; docs/explanation/back-test.md says what that is worth."""
