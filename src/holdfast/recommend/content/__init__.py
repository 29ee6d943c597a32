"""Items by what they are, not by who bought them: words, category, brand, price, kind, given vectors and images.

`content` ranks by likeness to what a customer chose; `cold` gives items that nobody bought yet the factors they would have.
"""
