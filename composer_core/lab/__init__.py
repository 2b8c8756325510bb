"""The laboratory: it makes and judges what is shipped. Only commands and benchmarks open it."""
