"""Releases of data sets as archives: downloaded, verified and extracted."""
