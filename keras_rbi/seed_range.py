"""The seeds that NumPy and Keras take."""

LARGEST_SEED = 2**32 - 1
