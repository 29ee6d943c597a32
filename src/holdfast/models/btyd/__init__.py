"""Buy till you die: when customers order, whether they have silently left, and what their orders are worth.

Order of reading: `summary` (what is known of a customer), `rows` (identical histories grouped), `purchase` (what every
model inherits from its likelihood), `erlang`, `pareto` and `bgbb` (the likelihoods), `choose` and `dropout` (which one,
and whether anybody leaves at all), `gamma_gamma` (the value of an order), `columns`, `learned` and `findings` (what the
rest of Holdfast reads).
"""
