"""Warn early: signals of customers and of the shop, alerts within a capacity."""
