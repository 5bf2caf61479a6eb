"""The transfer gap: accuracy on the source's held-out videos against that on the target's."""

from collections.abc import Sequence
from dataclasses import dataclass

from rev2net.figures.style import INK, INPUT_COLORS, MUTED, panel, save

BAR = 0.2  # inches


@dataclass(frozen=True)
class Transfer:
    """One row of a cross-dataset table; percent."""

    label: str
    input: str  # rgb, flow
    in_domain: float
    across: float
    low: float  # 95 % interval of `across`
    high: float

    @property
    def gap(self) -> float:
        """Points lost from the source to the target."""
        return self.in_domain - self.across


def transfer_gap(title: str, rows: Sequence[Transfer]) -> bytes:
    """One panel, SVG: a full bar reaches the accuracy across datasets, its pale rest that in the
    domain; rows of one label stand together.
    """
    places = _places(rows)
    height = 0.85 + BAR * (max(places, default=0) + 1)
    with panel(4.4, height, title) as (figure, axes):
        for place, row in zip(places, rows, strict=True):
            color = INPUT_COLORS.get(row.input, MUTED)
            axes.barh(place, row.in_domain, height=0.82, color=color, alpha=0.25)
            axes.barh(place, row.across, height=0.82, color=color)
            if row.low == row.low:  # not NaN
                whisker = [[row.across - row.low], [row.high - row.across]]
                axes.errorbar(
                    row.across, place, xerr=whisker, color=INK, elinewidth=0.8, capsize=1.5
                )
            end = max(row.in_domain, row.across, row.high if row.high == row.high else 0)
            gap = f"{-row.gap:+.1f}".replace("-", "−")
            axes.text(end + 1.5, place, gap, va="center", fontsize=7.5, color=INK)
        by_label: dict[str, list[float]] = {}
        for place, row in zip(places, rows, strict=True):
            by_label.setdefault(row.label, []).append(place)
        axes.set_yticks([sum(group) / len(group) for group in by_label.values()], list(by_label))
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.invert_yaxis()
        axes.set_xlim(0, 112)
        axes.set_xticks([0, 25, 50, 75, 100])
        axes.set_xlabel("top-1 accuracy, %")
        axes.grid(axis="x")
        return save(figure)


def _places(rows: Sequence[Transfer]) -> list[float]:
    """Where each row's bar stands: a gap before every new label."""
    places: list[float] = []
    for index, row in enumerate(rows):
        step = 1.0 if index and rows[index - 1].label == row.label else 1.5
        places.append((places[-1] + step) if places else 0.0)
    return places
