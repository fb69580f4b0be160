"""Numbers of models that are not finite are refused, with the number format that mends it."""

from __future__ import annotations

import numpy as np

_IN_TORCH = 'float16 overflows in some models: load(..., dtype="bfloat16"), or dtype="float32"'
_IN_WEIGHTS = (
    "the model computes in {}, so its weights are damaged, or came out of a training that failed: download or copy "
    'them again, or take an earlier checkpoint (an overflow of float16 is mended by dtype="bfloat16" or '
    'dtype="float32")'
)
IN_ONNX = 'float16 overflows in some models: export it with precision="fp32"'
IN_ANY = "float16 overflows in some models: load it in another format, scc2s.models.load(name, dtype='float32')"
IN_FUNCTION = "see what your function returns; where a float16 model overflows in it, load that with dtype='float32'"


def in_torch(dtype: str) -> str:
    """What mends numbers of a model of torch that are not finite.

    Examples
    --------
    >>> in_torch("torch.float16")
    'float16 overflows in some models: load(..., dtype="bfloat16"), or dtype="float32"'
    """
    name = dtype.removeprefix("torch.")
    return _IN_TORCH if name == "float16" else _IN_WEIGHTS.format(name)


def check_finite(values: np.ndarray, what: str, mend: str) -> None:
    """Refuse NaN and infinity.

    Parameters
    ----------
    values
        What a model gave.
    what
        What they are, in the plural.
    mend
        What to do about it.

    Raises
    ------
    FloatingPointError
        How many are not finite.
    """
    if n := int(values.size - np.count_nonzero(np.isfinite(values))):
        msg = f"{n} of {values.size} {what} are not finite numbers; {mend}"
        raise FloatingPointError(msg)
