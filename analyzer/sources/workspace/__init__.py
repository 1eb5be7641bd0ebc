"""Log Analytics workspaces as a source: which places, in which windows, by which client; what they answer as a tally."""
