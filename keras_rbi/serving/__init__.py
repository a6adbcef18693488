"""A small HTTP service around an exported model; it needs the extra `serve`."""
