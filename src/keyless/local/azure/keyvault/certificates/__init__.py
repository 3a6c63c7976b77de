"""The certificates of a vault: their policies, how they come about, and the keys and secrets behind them."""
