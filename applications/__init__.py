"""Programs built on keras_rbi, run from the root of the repository."""
