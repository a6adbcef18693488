"""The `keras-rbi` command: a thin skin over the library."""
