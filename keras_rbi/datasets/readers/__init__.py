"""Readers of the released data sets, one a file: each turns an extracted folder into `Records`."""
