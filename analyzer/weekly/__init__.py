"""From tallies of several weeks to the summary of one: runs of failure, how they stand against earlier weeks, what will break."""
