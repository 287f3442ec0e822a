"""The parameters of the recorder node."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.nodes.parameters import ParameterSpec
from neuropose_ros.recording.about import About
from neuropose_ros.recording.folder import check_name, free_name
from neuropose_ros.recording.privacy.pseudonyms import load_key
from neuropose_ros.recording.privacy.subjects import VIDEO, Subject, read_consent, read_date

EVERYTHING = 'frame_info poses poses_refined actions scene signals metrics events corrections'

PICTURES = ('raw', 'compressed')

PARAMETERS = (
    ParameterSpec(
        'recording', False, 'Record from now on; false ends the session. The services ~/start and '
        '~/stop and the event marker do the same, and this says how it is.', live=True),
    ParameterSpec(
        'folder', 'sessions', 'Where sessions are made, each a folder of its own.', live=True),
    ParameterSpec(
        'session', '', 'Name of the next session, without path separators; where there is one, '
        '-2 and so on is put behind it. Empty: the time. Never the name of a person.', live=True),
    ParameterSpec(
        'topics', EVERYTHING, 'What is recorded. A stage works while it is recorded, also where '
        'nobody else listens.'),
    ParameterSpec(
        'event', 'recording', 'An EventMarker of this name with the value start or stop begins or '
        'ends a session. Empty: none does.', live=True),
    ParameterSpec(
        'subject', '', 'Whose session it is: a name or number of yours, which is stored under a '
        'keyed pseudonym only. Empty: nobody in particular.', live=True),
    ParameterSpec(
        'consent', '', 'To what the subject agreed: some of measurements, video, sharing, with '
        'commas. Empty: not known.', live=True),
    ParameterSpec(
        'retain_until', '', 'Last day on which the session may be kept, as 2031-12-31. Empty: no '
        'such day.', live=True),
    ParameterSpec('task', '', 'What the subject does, as walking.', live=True),
    ParameterSpec('notes', '', 'Free text. Never the name of a person.', live=True),
    ParameterSpec(
        'bag', 'none', 'A bag (MCAP) beside the tables: messages = of all recorded topics; '
        'compressed, raw = the images, too, in which people can be recognised. Raw images are '
        'what replays to the last bit, and much: 1.6 GB a minute at 640x480 and 30 Hz.',
        choices=('none', 'messages', 'compressed', 'raw')),
    ParameterSpec(
        'video', 'none', 'A video beside the tables. blurred: faces are hidden, and more wherever '
        'it is not sure where they are, all of it with a pose model that follows one person only; '
        'raw: as it is.', choices=('none', 'blurred', 'raw')),
    ParameterSpec(
        'flush_s', 0.5, 'A kill or a power cut loses at most what came in this time. Less costs '
        'more writing.', unit='s', minimum=0.05, maximum=10.0),
    ParameterSpec(
        'least_free_mb', 500.0, 'The session ends in order when the disk has less room.',
        unit='MB', minimum=0.0, maximum=1e7, live=True),
)


def about_of(settings: Mapping[str, Any], software: dict[str, str]) -> About:
    """Return what is known of a session before it begins.

    Raises:
        PrivacyError: subject, consent or date cannot be used, or the key is not there.
    """
    subjects: tuple[Subject, ...] = ()
    if settings['subject']:
        key = load_key(store=Path(settings['folder']).expanduser())
        subjects = (Subject.of(
            settings['subject'], key, settings['consent'], settings['retain_until']),)
    return About(
        subjects, task=settings['task'], notes=settings['notes'], software=software)


def shows_people(settings: Mapping[str, Any]) -> bool:
    """Whether what is recorded lets people be recognised by their looks."""
    return settings['bag'] in PICTURES or settings['video'] == 'raw'


def check_recorder(settings: Mapping[str, Any]) -> None:
    """Refuse values that contradict each other.

    Raises:
        NeuroposeError: they do.
    """
    if settings['session']:
        check_name(settings['session'])
    if not settings['folder'].strip():
        raise ParameterError('folder is empty: say where sessions are made')
    unknown = sorted(set(settings['topics'].split()) - set(EVERYTHING.split()))
    if unknown or not settings['topics'].split():
        raise ParameterError(
            f'topics is {settings["topics"]!r}; it must be some of: {EVERYTHING}')
    read_date(settings['retain_until'])
    if settings['subject'] and shows_people(settings) and (
            VIDEO not in read_consent(settings['consent'])):
        raise ParameterError(
            f'bag is {settings["bag"]} and video is {settings["video"]}, but the subject did not '
            'agree to video (parameter consent): use video:=blurred')
    if settings['consent'] and not settings['subject']:
        raise ParameterError(
            f'consent is {read_consent(settings["consent"])}, but there is no subject')


def new_session(settings: Mapping[str, Any]) -> Path:
    """Return the folder of the next session, which is not there yet."""
    root = Path(settings['folder']).expanduser()
    now = datetime.now(timezone.utc)
    return root / free_name(root, settings['session'] or f'{now:%Y-%m-%d_%H-%M-%S}')
