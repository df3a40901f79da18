"""The kernels in numba: compiled for this processor, parallel over its cores."""
