"""Batches for training: sampling, augmentation, and reading ahead."""
