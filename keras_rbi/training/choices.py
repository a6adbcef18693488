"""Values of the settings of training that have a name."""

IMAGENET = "imagenet"
NO_WEIGHTS = "none"
NO_AUGMENTATION = "none"
NO_CACHE = "none"

RBI = "rbi"
BATCH_FORMER = "batchformer"
BACKBONE_ALONE = "backbone"
HERBS = "herbs"
HERBS_WITH_RBI = "herbs-rbi"
P2P = "p2p-net"
P2P_WITH_RBI = "p2p-net-rbi"
# From the fine-grained systems that RBI is added to, to their names with it.
SYSTEMS = {HERBS: HERBS_WITH_RBI, P2P: P2P_WITH_RBI}
METHODS = (RBI, BATCH_FORMER, BACKBONE_ALONE, *SYSTEMS, *SYSTEMS.values())

# What to freeze.
BACKBONE = "backbone"
STEM = "stem"

# Schedules of the learning rate.
COSINE = "cosine"
CONSTANT = "constant"
