"""The kernels in numba.cuda: for NVIDIA GPUs, and in numba's simulator where there is none."""
