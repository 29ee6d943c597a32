"""Rows -> predictions: baselines, logistic, LightGBM, calibration, reasons."""
