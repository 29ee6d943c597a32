"""What a treatment changes for each customer: S-, T-, X- and DR-learners on ridge and trees, and the proxies they must beat."""
