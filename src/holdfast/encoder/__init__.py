"""The shop's own foundation model (extra `deep`): event sequences become vectors, and vectors become forecasts.

Pre-trained on what customers do next, then taught churn at every horizon, the next order, spend and category. An
encoder knows nothing recorded from its own cutoff on; see docs/adr/0014.
"""
