"""Readers of the released data sets, one a file: what is known of the set, and how it is read.

Each holds `read`, which turns the extracted folder into `Records`, and `INFO`, the set's
`DatasetInfo`; `keras_rbi.datasets.catalogue` collects them.
"""
