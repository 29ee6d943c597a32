"""The only door to DuckDB, Ibis back ends, Parquet, SQLite and database drivers."""
