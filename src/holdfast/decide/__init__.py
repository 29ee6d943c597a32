"""What is worth doing: risk bands by a cost rule."""
