"""What an image may relate to where several devices share a batch."""

GLOBAL, REPLICA = "global", "replica"
SCOPES = (GLOBAL, REPLICA)
