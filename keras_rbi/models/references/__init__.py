"""References: stored images that all others can relate to, whatever batch they come in."""
