"""What people look like: build, colours, clothes, hair."""

from __future__ import annotations

from dataclasses import dataclass, field

from neuropose_ros.sources.synthetic.figure import Build
from neuropose_ros.sources.synthetic.head import Hair

Color = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Look:
    """How one person looks; colours are BGR, 0..255.

    Attributes:
        pattern: of the shirt: plain, stripes, check or zip.
    """

    skin: Color
    hair_color: Color
    shirt: Color
    accent: Color
    trousers: Color
    shoes: Color
    iris: Color = (60, 80, 95)
    pattern: str = 'plain'
    height_m: float = 1.75
    build: Build = field(default_factory=Build)
    hair: Hair = field(default_factory=Hair)


LOOKS = (
    Look(skin=(146, 178, 226), hair_color=(38, 52, 74), shirt=(158, 92, 48),
         accent=(214, 206, 196), trousers=(96, 76, 66), shoes=(172, 176, 180), pattern='stripes',
         height_m=1.76),
    Look(skin=(96, 130, 182), hair_color=(24, 26, 30), shirt=(64, 120, 70),
         accent=(196, 208, 214), trousers=(112, 84, 58), shoes=(170, 172, 176), pattern='zip',
         height_m=1.70, build=Build(girth=0.95, sleeve=1.0, loose=0.005)),
    Look(skin=(170, 196, 236), hair_color=(60, 104, 150), shirt=(62, 62, 176),
         accent=(70, 78, 90), trousers=(150, 140, 128), shoes=(44, 40, 42), pattern='plain',
         height_m=1.64, build=Build(girth=0.92, sleeve=0.5), hair=Hair(0.014, 0.872, 0.972)),
    Look(skin=(74, 98, 140), hair_color=(20, 20, 22), shirt=(190, 190, 186),
         accent=(120, 60, 40), trousers=(48, 44, 40), shoes=(60, 80, 140), pattern='check',
         height_m=1.83, build=Build(girth=1.06, sleeve=1.0), hair=Hair(0.006, 0.892, 0.978)),
)
