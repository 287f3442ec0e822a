"""A person ready to be drawn: the meshes of the body joined, with their texture."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from neuropose_ros.sources.synthetic.clothes import paint_clothes
from neuropose_ros.sources.synthetic.complexion import paint_head
from neuropose_ros.sources.synthetic.figure import body_meshes
from neuropose_ros.sources.synthetic.head import head_meshes
from neuropose_ros.sources.synthetic.looks import Look
from neuropose_ros.sources.synthetic.meshes import join
from neuropose_ros.sources.synthetic.painter import Painter
from neuropose_ros.sources.synthetic.surfaces import Skin, Texture


@lru_cache(maxsize=8)
def dressed(look: Look, seed: int) -> Skin:
    """Return the skinned surface of a person; the seed varies cloth and hair."""
    painter = Painter(look, seed)
    paint_clothes(painter)
    paint_head(painter)
    mesh = join([*body_meshes(look.build), *head_meshes(look.hair)])
    return Skin(mesh, Texture(np.clip(painter.atlas, 0, 255).astype(np.uint8)))
