"""Who the customers are: profiles, segments and retention analytics of a release, and questions about them."""
