"""Features in the plane: t-SNE, and how far domains mix in the feature space itself."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rev2net.figures.style import CYCLE, MUTED, canvas, entitle, save

MARKERS = "osD^vPX"
NAMED = 14  # groups up to which there is a legend
PERPLEXITY = 30.0
NEIGHBOURS = 10
SIDE, TITLE, LINE = 3.5, 0.3, 0.15  # inches of the panel, its title, each further line of it
COLUMNS = 3  # of the legend


def tsne(features_ND: NDArray[np.floating], seed: int = 0) -> NDArray[np.float64]:
    """t-SNE of features, standardised column by column: (N, 2), the same for the same seed.

    Raises ValueError with fewer than four points.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    number = len(features_ND)
    if number < 4:
        raise ValueError(f"t-SNE of {number} points; at least 4 are needed")
    values = np.asarray(features_ND, np.float64)
    spread = values.std(axis=0)
    values = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1)
    embedding = TSNE(
        perplexity=min(PERPLEXITY, (number - 1) / 3), init="pca", random_state=seed, n_jobs=1
    )
    # n_jobs is for the search of neighbours alone. So few points are done before other threads
    # have woken up: with one each step takes a tenth of the time, and no core of a neighbour's job.
    with threadpool_limits(1):
        return np.asarray(embedding.fit_transform(values), np.float64)


def neighbour_share(
    features_ND: NDArray[np.floating], group: Sequence[object], count: int = NEIGHBOURS
) -> tuple[float, float]:
    """Percent of the nearest neighbours of a point that share its group, and what chance gives."""
    from sklearn.neighbors import NearestNeighbors

    _, group_N = np.unique(np.asarray(group, str), return_inverse=True)
    number = len(group_N)
    search = NearestNeighbors(n_neighbors=min(count, number - 1))
    near_NK = search.fit(np.asarray(features_ND, np.float64)).kneighbors(return_distance=False)
    share = (group_N[near_NK] == group_N[:, None]).mean()
    sizes = np.bincount(group_N)
    chance = (sizes * (sizes - 1)).sum() / (number * (number - 1))
    return 100 * float(share), 100 * float(chance)


def scatter(title: str, points_N2: NDArray[np.float64], group: Sequence[str]) -> bytes:
    """One panel, SVG: points by colour and marker of their group; no scales, since t-SNE's axes
    mean nothing.
    """
    names = sorted(set(group))
    group_N = np.array(group)
    legend = 0.17 * -(-len(names) // COLUMNS) + 0.1 if len(names) <= NAMED else 0.05
    height = TITLE + SIDE + legend
    with canvas(SIDE, height) as figure:
        figure.set_layout_engine("none")
        height += LINE * (entitle(figure, title) - 1)
        figure.set_figheight(height)
        # Alike in every panel, whatever its legend, so that panels can be compared.
        axes = figure.add_axes((0.005, legend / height, 0.99, SIDE / height))
        for index, name in enumerate(names):
            rows = group_N == name
            axes.scatter(
                points_N2[rows, 0],
                points_N2[rows, 1],
                s=13,
                color=CYCLE[index % len(CYCLE)],
                marker=MARKERS[(index // len(CYCLE) + index) % len(MARKERS)],
                linewidths=0,
                alpha=0.75,
                label=name,
                rasterized=len(points_N2) > 400,  # thousands of shapes would make a large file
            )
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(True)
        axes.spines[:].set_color(MUTED)
        axes.set_aspect("equal", adjustable="datalim")
        if len(names) <= NAMED:
            axes.legend(
                loc="upper left",
                bbox_to_anchor=(0, 0),
                ncols=COLUMNS,
                handletextpad=0.2,
                columnspacing=1.0,
                borderpad=0.3,
            )
        return save(figure)
