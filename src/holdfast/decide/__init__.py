"""What is worth doing: treatments, policy, guard, budget, assignment; risk bands by a cost rule."""
