"""Customers and items as points of one small space: matrix factorisation by least squares, by SVD and by ranking pairs."""
