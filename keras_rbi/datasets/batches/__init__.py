"""Batches for training: sampling, mixing, and reading ahead."""
