"""From predictions to a plan: what earlier campaigns taught, what each customer is worth doing something for, who decides."""
