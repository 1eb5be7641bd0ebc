"""Speed as ratios: each benchmark measures us and a peer, or the bare limit, in the same run."""
