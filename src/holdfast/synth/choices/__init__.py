"""Fast worlds for policies: what every arm would bring is known for every customer, so regret is exact."""
