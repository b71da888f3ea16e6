"""What a promise is worth on real data: how often it is broken, and how much it leaves on the device.

pictures.py and intents.py make pairs of a device's and a cloud's model from the folder that NEARFAR_DATA names;
outcomes.py asks both as the product does; redraws.py certifies again and again on fresh draws; drifting.py streams
what the models were not made for; betting.py is the test by betting, which the exact one is held against."""
