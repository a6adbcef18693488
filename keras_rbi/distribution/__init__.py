"""What several devices have to do with each other: rows gathered, processes started, shares cut."""
