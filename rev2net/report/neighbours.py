"""Features across datasets: t-SNE, and whose neighbours they are."""

from collections.abc import Iterator, Sequence

from rev2net.config import Config, CrossDataset
from rev2net.figures.embedding import neighbour_share, scatter, tsne
from rev2net.report.blocks import Picture, Section, galleries, picture, section
from rev2net.runs.features import read_features
from rev2net.runs.record import StoredRun, label

POINTS = 600  # of a t-SNE, which takes 3 s for them
EMBEDDED = ("i3d", "rev2net")  # methods whose features are shown, beside those of one's own


def features_section(config: Config, stored: Sequence[StoredRun]) -> Section:
    """t-SNE of the features of held-out videos, by domain and by class."""
    shown = [
        one
        for one in stored
        if isinstance(config.benchmarks[one.run.benchmark], CrossDataset)
        and one.run.method in (*EMBEDDED, *config.methods)
    ]
    return section(
        "features",
        "Features by domain and by class",
        "t-SNE of the pooled features of held-out videos of both datasets (first split and seed). "
        "Distances between clusters mean nothing; the shares of nearest neighbours are measured "
        "in the feature space itself: as many of the own domain as chance gives is full mixing.",
        galleries(shown, _embeddings, wide=True),
        "Features: cross-dataset runs of I3D, Rev2Net and methods of one's own have them.",
    )


def _embeddings(runs: list[StoredRun]) -> Iterator[Picture]:
    """Each run's features by domain, then by class; evenly thinned where they are many."""
    for one in runs:
        path = one.folder.features
        if one.run.input != "rgb" or not path.exists():
            continue
        stored = read_features(path)
        if len(set(stored.dataset)) < 2 or len(stored.video_id) < 4:
            continue
        names = one.record.get("class_names", [])
        chosen = slice(None, None, -(-len(stored.video_id) // POINTS))
        features, domain = stored.features[chosen], list(stored.dataset)[chosen]
        classes = [names[k] if k < len(names) else str(k) for k in stored.label[chosen]]
        points, row = tsne(features), label(one, runs)
        for kind, group in (("domain", domain), ("class", classes)):
            share, chance = neighbour_share(features, group)
            text = f"{share:.0f} % of the 10 nearest neighbours are of the own {kind}"
            caption = f"{text}; by chance {chance:.0f} %."
            alt = f"t-SNE of the features of {row} by {kind}, {len(points)} videos. {caption}"
            yield picture(scatter(f"{row}, by {kind}", points, group), alt, caption)
