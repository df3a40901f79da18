"""Operations that large simulations spend their time in: a numpy meaning, a numba and a CUDA version of each."""
