"""Our own ports without the world behind them. Each fake passes the same contract suite as the real adapter."""
