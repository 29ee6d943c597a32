"""Purchase intent: will this session buy? Asked after its first few events, of nothing that lies behind them."""
