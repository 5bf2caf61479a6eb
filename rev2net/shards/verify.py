"""Reading a whole shard once, to see whether it still holds what was written."""

import itertools
import zlib
from pathlib import Path

from rev2net import digests
from rev2net.shards.reader import open_hdf5

BLOCK = 256  # images read together


def verify_shard(path: Path) -> bool:
    """Check tables, attributes and every image of a shard; False where it has no digests.

    Raises UserError for the first thing that is not what was written.
    """
    # Its index remembers a shard: both go, or the workflow does not make the shard again.
    index = path.parent.with_suffix(".index")
    also = index if index.exists() else None
    with open_hdf5(path, also) as file:
        if not digests.check_seal(path, file, also) or "crc32" not in file:
            return False
        offset, crc32 = file["offset"][()].tolist(), file["crc32"][()].tolist()
        try:
            for first in range(0, len(crc32), BLOCK):
                bounds = offset[first : first + BLOCK + 1]
                data = file["frames"][bounds[0] : bounds[-1]]
                for number, (begin, end) in enumerate(itertools.pairwise(bounds), first):
                    if zlib.crc32(data[begin - bounds[0] : end - bounds[0]].data) != crc32[number]:
                        reason = f"damaged: image {number} is not what was written"
                        raise digests.damaged(path, reason, also)
        except OSError as error:
            raise digests.damaged(path, f"damaged ({error})", also) from None
    return True
