"""Where the gradient of each loss term goes: its size on parts of the network.

A term that does not reach a part of the network does not train it, whatever its loss does. Measured
against the classification's gradient on the same batch, in percent: a diagnosis, not a goal.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn


def gradient_shares(
    weighted: Mapping[str, Tensor], parts: Mapping[str, Sequence[nn.Parameter]]
) -> dict[str, float]:
    """ "<term>_share_<part>": |gradient of the term| / |gradient of the classification|, percent.

    `weighted` are the weighted terms of one batch, "classification" among them; their graph is kept
    for the step's own backward pass, so that this costs a backward pass a term and no forward pass.
    """
    parameters = [parameter for part in parts.values() for parameter in part]
    if len(weighted) < 2 or not parameters:
        return {}
    norms = {}
    for term, value in weighted.items():
        gradients = torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True)
        rest = iter(gradients)
        for part, members in parts.items():
            found = [g for g in (next(rest) for _ in members) if g is not None]
            norms[term, part] = float(nn.utils.get_total_norm(found)) if found else 0.0
    return {
        f"{term}_share_{part}": round(100.0 * norm / max(norms["classification", part], 1e-12), 4)
        for (term, part), norm in norms.items()
        if term != "classification"
    }
