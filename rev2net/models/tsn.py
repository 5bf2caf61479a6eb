"""TSN: temporal segment networks on BN-Inception (Wang et al. 2016)."""

from rev2net.models.bn_inception import BNInception
from rev2net.models.segments import SegmentNetwork
from rev2net.models.spec import InputSpec


class TSN(SegmentNetwork):
    """Logits (B, num_classes) from segments x_BTCHW: one RGB frame each, or a stack of 5 flow
    fields or frame differences in C."""

    def __init__(
        self,
        num_classes: int,
        input_spec: InputSpec,
        *,
        width: float = 1.0,
        dropout: float | None = None,  # None: 0.7 for flow, 0.8 for RGB and differences (TSN)
        partial_bn: bool = False,
    ) -> None:
        backbone = BNInception(input_spec.channels, width=width)
        if dropout is None:
            dropout = 0.7 if input_spec.modality == "flow" else 0.8
        super().__init__(
            backbone,
            backbone.out_channels,
            num_classes,
            input_spec,
            dropout=dropout,
            partial_bn=partial_bn,
        )
