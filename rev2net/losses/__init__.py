"""The training objectives beside cross-entropy: auxiliary tasks, discrepancy, domain adaptation.

They are computed in single precision at least, whatever precision the network ran in.
"""

import torch
from torch import Tensor


def at_least_single(x: Tensor) -> Tensor:
    """x in float32; float64 stays."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
