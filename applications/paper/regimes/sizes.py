"""How many images of a class there are of each kind."""

# Images that the training images of a seed are drawn from: of the seeds of the map, and of those
# that choose learning rates.
POOL, SEARCH_POOL = 400, 300
VALIDATION, TEST = 64, 96
