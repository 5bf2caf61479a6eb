"""What a drawn SVG says."""

from xml.etree import ElementTree


def svg_texts(content: bytes) -> list[str]:
    """Every text of the picture, in the order of drawing."""
    return [
        "".join(element.itertext()).strip()
        for element in ElementTree.fromstring(content).iter()
        if element.tag.endswith("}text")
    ]
