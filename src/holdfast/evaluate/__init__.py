"""Is it true? Walk-forward backtest, comparison, promises kept."""
