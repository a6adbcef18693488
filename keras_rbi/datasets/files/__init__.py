"""Images in files: folders, tables, reading, checking and caching."""
