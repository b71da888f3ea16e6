"""What a promise is worth on real data: betting.py is the test by betting, which the exact one is held against."""
