"""Units of length, by the names that files give them."""

from __future__ import annotations

METRES = {
    'm': 1.0, 'meter': 1.0, 'meters': 1.0, 'metre': 1.0, 'metres': 1.0,
    'dm': 0.1, 'cm': 0.01, 'centimeters': 0.01, 'mm': 0.001, 'millimeters': 0.001,
    'in': 0.0254, 'inches': 0.0254, 'ft': 0.3048,
}
