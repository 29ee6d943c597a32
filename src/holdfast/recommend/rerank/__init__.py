"""Re-ranking: gradient-boosted trees order the candidates of all lanes by what is known of customer and item."""
