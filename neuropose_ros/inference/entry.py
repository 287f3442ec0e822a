"""What the registry says of one network: where its file comes from and how it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import unquote, urlsplit

from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.layouts import layout as built_in_layout
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.ops.device import PictureInput

ENTRY_FILE = 'entry.yaml'
"""In the folder of an exported model: its entries, as a list of models has them."""

Kind = Literal['pose', 'detector', 'scene', 'reid', 'part']
Format = Literal['onnx', 'tflite']


@dataclass(frozen=True)
class UrlSource:
    """A file, or a member of an archive, at an address.

    Attributes:
        url: http or https.
        member: path inside the .zip or .tar archive, * and ? match; '' = the file itself.
        name: of the file, where the address does not end in one.
    """

    url: str
    member: str = ''
    name: str = ''

    @property
    def file(self) -> str:
        """Name of the file at the address."""
        return self.name or PurePosixPath(unquote(urlsplit(self.url).path)).name

    @property
    def title(self) -> str:
        """The address."""
        return self.url


@dataclass(frozen=True)
class WheelSource:
    """A file inside a package of the Python package index.

    Attributes:
        wheel: requirement, as ``mediapipe==0.10.21``.
        python, implementation, abi, platform: its tags, as ``pip download`` takes them.
        file: name of the .whl file.
        megabytes: its size, for people.
        member: path inside it.
    """

    wheel: str
    python: str
    implementation: str
    abi: str
    platform: str
    file: str
    megabytes: int
    member: str

    @property
    def title(self) -> str:
        """The requirement."""
        return self.wheel


@dataclass(frozen=True)
class NpmSource:
    """A file inside a package of the JavaScript package index.

    Attributes:
        npm: package and version, as ``npm pack`` takes them.
        file: name of the .tgz file that ``npm pack`` writes.
        megabytes: its size, for people.
        member: path inside it.
    """

    npm: str
    file: str
    megabytes: int
    member: str

    @property
    def title(self) -> str:
        """Package and version."""
        return self.npm


@dataclass(frozen=True)
class PathSource:
    """A file that is here already; it is used where it lies and never copied."""

    path: Path

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.path.name

    @property
    def title(self) -> str:
        """The path."""
        return str(self.path)


Source = UrlSource | WheelSource | NpmSource | PathSource


@dataclass(frozen=True)
class Published:
    """What its authors measured.

    Attributes:
        metric, value: as ``AP`` 68.7.
        dataset: what it was measured on.
        speed: with device and software, in the authors' words; '' = not published.
        source: where that stands.
    """

    metric: str
    value: float
    dataset: str
    source: str
    speed: str = ''


@dataclass(frozen=True)
class Conversion:
    """How a .tflite file becomes ONNX: value = (0..255 - offset) * scale goes into the network."""

    offset: float
    scale: float


@dataclass(frozen=True)
class ModelEntry:
    """One network, or several that work as one.

    Attributes:
        name: how it is asked for.
        title: for people.
        kind: what it is for; ``part`` = a piece of another entry.
        licence: of the weights, as published (SPDX where there is one).
        format: of the published file.
        decoder: who reads its outputs.
        input: the picture that the file of `ensure_models` takes.
        sources: where the file comes from; the first that answers is taken. Empty with `parts`.
        sha256: of the published file; '' = pinned when it is first fetched.
        layout: of a pose network: a built-in one's name, or one of its own.
        outputs: name of each output by its position in the file. With `convert` the others are
            pruned; without, it says which output is which, empty = the decoder's own order.
        options: numbers for the decoder, such as ``padding``.
        convert: how the file becomes the ONNX that is run, ``features`` = its classifier is cut
            off; None = it is run as it is.
        check: first values of outputs for the test picture, of a converted network.
        parts: names of the entries that it is made of; their files are its files.
        published: what its authors measured.
        megabytes: size of the file, 0 = not known.
        notes: what else a user should know.
        origin: the list that it stands in.
    """

    name: str
    title: str
    kind: Kind
    licence: str
    format: Format
    decoder: str
    input: PictureInput
    sources: tuple[Source, ...] = ()
    sha256: str = ''
    layout: str | SkeletonLayout = ''
    outputs: Mapping[int, str] = field(default_factory=dict)
    options: Mapping[str, float] = field(default_factory=dict)
    convert: Conversion | Literal['features'] | None = None
    check: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    published: tuple[Published, ...] = ()
    megabytes: float = 0.0
    notes: str = ''
    origin: Path | None = None

    def skeleton(self) -> SkeletonLayout:
        """Return the joints of a pose network.

        Raises:
            ModelError: it has none: it is no pose network.
            LayoutError: the named layout is not known.
        """
        if isinstance(self.layout, SkeletonLayout):
            return self.layout
        if not self.layout:
            raise ModelError(f'model {self.name} has no joints: it is of the kind {self.kind}')
        return built_in_layout(self.layout)

    @property
    def own_file(self) -> Path | None:
        """The user's file that is run or converted, where the entry names one."""
        source = self.sources[0] if self.sources else None
        return source.path if isinstance(source, PathSource) else None

    @property
    def key(self) -> str:
        """Twelve hex digits that change with the published file, or with where it comes from."""
        if self.sha256:
            return self.sha256[:12]
        text = '|'.join(
            f'{source.title}#{getattr(source, "member", "")}' for source in self.sources)
        return hashlib.sha256(text.encode()).hexdigest()[:12]
