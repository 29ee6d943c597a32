"""Who the customers are: life-cycle, cohorts, the customer page."""
