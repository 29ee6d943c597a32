"""How long until the next order: Kaplan-Meier, parametric families, Cox, and a discrete-time hazard by trees."""
