"""A tone and silence, at the ear's rate."""

import numpy as np

RATE_HZ = 48000


def loud(seconds: float) -> np.ndarray:
    return (3000 * np.sin(2 * np.pi * 300 * np.arange(int(seconds * RATE_HZ)) / RATE_HZ)).astype(np.int16)


def quiet(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * RATE_HZ), dtype=np.int16)
