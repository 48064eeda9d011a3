"""PyTorch modules read as problems over arrays: recorded, written as named equations, compared with their own autograd."""
