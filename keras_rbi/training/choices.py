"""Named values of settings."""

IMAGENET = "imagenet"
NO_WEIGHTS = "none"
NO_AUGMENTATION = "none"
NO_CACHE = "none"

RBI = "rbi"
BACKBONE_ALONE = "backbone"
# Those whose heads take pooled features.
FEATURE_METHODS = (RBI, BACKBONE_ALONE, "batchformer")

# What to freeze.
BACKBONE = "backbone"
STEM = "stem"

# Schedules of the learning rate.
COSINE = "cosine"
CONSTANT = "constant"

# Precisions, as Keras calls its dtype policies.
FLOAT32, MIXED_BFLOAT16, MIXED_FLOAT16 = "float32", "mixed_bfloat16", "mixed_float16"

# All devices that there are.
AUTO = "auto"
