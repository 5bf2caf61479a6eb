"""Print what every network takes and costs, at its published input.

    rev2net models                        # all of them, each with every input it takes
    rev2net models i3d rev2net            # some
    rev2net models i3d --endpoints        # the activations inside, with their shapes
    rev2net models i3d --length 16 --size 112 --json
    rev2net models mine:Network           # one's own, of mine.py in this folder

Costs are those of one clip. Multiply-adds count every filter tap of convolutions and matrix
products; "training" is the forward pass with decoders and side heads, without the backward one.
"activations" is what that pass keeps in memory for the backward one, in float32 (half of it in
bfloat16); parameters, gradients and optimiser come on top, activations once for every clip of the
batch. An axis is named by its letter: C channels, T frames or segments, H and W pixels, N images
(the segments of a clip, one after the other).
"""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rev2net.models.cost import Cost
    from rev2net.models.spec import InputSpec

LAYOUTS = {2: "BC", 4: "NCHW", 5: "BCTHW"}  # of activations; N counts the images of a clip
RANGES = {"symmetric": "[-1, 1]", "imagenet": "ImageNet"}
COLUMNS = (
    "network",
    "input",
    "shape",
    "values",
    "parameters",
    "without head",
    "multiply-adds",
    "training",
    "activations",
    "endpoints",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="networks (default: all)")
    parser.add_argument(
        "--endpoints", action="store_true", help="list the activations inside, with their shapes"
    )
    parser.add_argument("--classes", type=int, default=101, help="size of the head (default 101)")
    parser.add_argument("--length", type=int, help="frames or segments, where not as published")
    parser.add_argument("--size", type=int, help="pixels a side, where not as published")
    parser.add_argument("--json", action="store_true", help="for programs: exact numbers")


def run(args: argparse.Namespace) -> None:
    import dataclasses
    import json

    from tqdm import tqdm

    from rev2net.errors import refuse_below
    from rev2net.models.cost import measure
    from rev2net.models.spec import SPECS, input_specs
    from rev2net.printing import Table, aligned, print_report

    refuse_below(args, classes=1, length=1, size=1)
    chosen = [
        (name, modality, spec)
        for name in args.names or SPECS
        for modality, spec in input_specs(name).items()
    ]
    measured = []
    # Twenty seconds for all of them: seen in a terminal, gone before the table.
    with tqdm(chosen, unit=" networks", leave=False, disable=None) as bar:
        for name, modality, spec in bar:
            bar.set_description(f"{name} {modality}")
            cost = measure(
                name, modality, num_classes=args.classes, length=args.length, size=args.size
            )
            measured.append((name, spec, cost))
    if args.json:
        records = [
            {"network": name, **dataclasses.asdict(spec), **dataclasses.asdict(cost)}
            for name, spec, cost in measured
        ]
        print(json.dumps(records, indent=1))
    elif args.endpoints:
        for name, spec, cost in measured:
            title = f"{name}, {spec.modality} {_shape(spec.layout, cost.input_shape)}"
            rows = [(k, _shape(LAYOUTS[len(v)], v)) for k, v in cost.endpoints.items()]
            print_report([Table(title, ("endpoint", "shape"), rows)])
    else:
        print(*aligned([_row(*row) for row in measured], COLUMNS), sep="\n")


def _row(name: str, spec: "InputSpec", cost: "Cost") -> tuple[str, ...]:
    return (
        name,
        spec.modality,
        _shape(spec.layout, cost.input_shape),
        RANGES[spec.value_range],
        f"{cost.parameters / 1e6:.2f} M",
        f"{cost.parameters_without_head / 1e6:.2f} M",
        f"{cost.multiply_adds / 1e9:.1f} G",
        f"{cost.training_multiply_adds / 1e9:.1f} G",
        f"{cost.activation_bytes / 1e6:.0f} MB",
        str(len(cost.endpoints)),
    )


def _shape(layout: str, shape: tuple[int, ...]) -> str:
    """The shape of one clip, each axis with its letter: "C3 T64 H224 W224"."""
    return " ".join(f"{axis}{n}" for axis, n in zip(layout, shape, strict=True) if axis != "B")
