"""Is a prediction any good? Forecast metrics with their bootstrap, on plain arrays."""
