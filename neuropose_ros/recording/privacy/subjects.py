"""What is known of a subject in a session: a pseudonym, consent, retention, and which tracks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from neuropose_ros.core.errors import PrivacyError
from neuropose_ros.recording.privacy.pseudonyms import SubjectKey, is_pseudonym

MEASUREMENTS, VIDEO, SHARING = 'measurements', 'video', 'sharing'
SCOPES = (MEASUREMENTS, VIDEO, SHARING)
"""What somebody can agree to: that poses and signals are kept, that pictures are in which they
could be recognised, and that data are passed on to others. Nothing said = nothing agreed to."""


@dataclass(frozen=True)
class Subject:
    """One subject of a session.

    Attributes:
        pseudonym: as `SubjectKey.pseudonym` makes it.
        key_id: of the key that made it.
        consent: some of `SCOPES`; empty = unknown.
        retain_until: the last day on which the data may be kept; None = none was set.
        tracks: (epoch, track_id) of this subject; empty = not told apart from the others.
    """

    pseudonym: str
    key_id: str
    consent: frozenset[str] = frozenset()
    retain_until: date | None = None
    tracks: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what could be a name.

        Raises:
            PrivacyError: the pseudonym is none, or the consent has an unknown word.
        """
        if not is_pseudonym(self.pseudonym):
            raise PrivacyError('a subject is stored under a pseudonym (s- and 16 characters) only')
        unknown = self.consent.difference(SCOPES)
        if unknown:
            raise PrivacyError(
                f'consent to {", ".join(sorted(unknown))} is not known; there are '
                f'{", ".join(SCOPES)}')

    @classmethod
    def of(
        cls, subject: str, key: SubjectKey, consent: str = '', retain_until: str = '',
        tracks: Iterable[tuple[int, int]] = (),
    ) -> Subject:
        """Return the subject with this name or number.

        Args:
            consent: words of `SCOPES` with commas between them.
            retain_until: as 2031-12-31; '' = no date.

        Raises:
            PrivacyError: the name is empty, consent or date cannot be read.
        """
        return cls(key.pseudonym(subject), key.id, read_consent(consent),
                   read_date(retain_until), tuple(tracks))

    def may(self, scope: str) -> bool:
        """Whether the subject agreed to one of `SCOPES`."""
        return scope in self.consent

    def is_due(self, today: date) -> bool:
        """Whether the time for which the data may be kept is over."""
        return self.retain_until is not None and today > self.retain_until

    def consent_text(self) -> str:
        """Return the consent as `read_consent` reads it."""
        return ','.join(scope for scope in SCOPES if scope in self.consent)


def read_consent(text: str) -> frozenset[str]:
    """Return the words of a consent, `video, sharing`; which there are is checked by `Subject`."""
    return frozenset(filter(None, (word.strip().lower() for word in text.split(','))))


def read_date(text: str) -> date | None:
    """Return the day that ``2031-12-31`` names, None for ''.

    Raises:
        PrivacyError: it names none.
    """
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        raise PrivacyError(
            f'retention until {text!r} is no day; write it as 2031-12-31') from None


def all_may(subjects: Iterable[Subject], scope: str) -> bool:
    """Whether every subject of a session agreed; a session without named subjects has not."""
    answers = [subject.may(scope) for subject in subjects]
    return bool(answers) and all(answers)
