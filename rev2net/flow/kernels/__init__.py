"""The numba kernels of TV-L1: each equals what OpenCV computes, to the last bit."""
