"""Clothes, hands and shoes, painted on the texture of a person."""

from __future__ import annotations

import cv2
import numpy as np

from neuropose_ros.sources.synthetic import figure
from neuropose_ros.sources.synthetic.painter import Painter, shaded


def _paint_shirt(painter: Painter) -> None:
    look, shirt, sleeve = painter.look, figure.SHIRT, figure.SLEEVE
    accent = np.asarray(look.accent, np.float32)
    painter.cloth(shirt, look.shirt, (9, 9), 0.05)
    painter.cloth(sleeve, look.shirt, (8, 4), 0.06)
    body, arm = painter.view(shirt), painter.view(sleeve)
    if look.pattern == 'stripes':
        for view, period in ((body, 38), (arm, 48)):
            for row in range(24, view.shape[0] - 10, period):
                view[row:row + period // 4] = accent * (view[row:row + period // 4]
                                                        / np.asarray(look.shirt, np.float32))
    elif look.pattern == 'check':
        for view in (body, arm):
            view[:, ::32] *= 0.7
            for start in range(0, view.shape[1], 64):
                view[:, start:start + 26] *= 0.78
            for start in range(0, view.shape[0], 44):
                view[start:start + 18] *= 0.78
    elif look.pattern == 'zip':
        middle = shirt.width // 2
        body[:, middle - 2:middle + 3] = accent * 0.6
        body[::6, middle - 4:middle + 5] = accent
        cv2.ellipse(body, (middle - 62, 150), (26, 3), 0, 0, 360, shaded(look.shirt, 0.5), -1)
    # Collar, side seams, hem; cuffs.
    body[:12] *= 0.78
    body[10:13] *= 0.75
    painter.stitch(shirt, 0.25, 0.82)
    painter.stitch(shirt, 0.75, 0.82)
    painter.band(shirt, 0.955, 0.965, 0.72)
    painter.band(shirt, 0.985, 1.0, 0.60)
    painter.band(sleeve, 0.94, 0.955, 0.72)
    painter.band(sleeve, 0.985, 1.0, 0.60)
    if look.build.sleeve > 0.9:
        painter.band(sleeve, 0.88, 0.94, 0.90)
        # Folds on the inner side of the elbow.
        for row in (150, 166, 180):
            cv2.ellipse(arm, (128, row), (52, 4), 0, 0, 360,
                        shaded(look.shirt, 0.80), -1)
        arm[:] = cv2.GaussianBlur(arm, (5, 5), 0)


def _paint_trousers(painter: Painter) -> None:
    look, leg, hips = painter.look, figure.TROUSERS, figure.HIPS
    painter.cloth(leg, look.trousers, (14, 6), 0.07)
    painter.cloth(hips, look.trousers, (4, 8), 0.05)
    for share in (0.25, 0.75):
        painter.stitch(leg, share, 0.72)
    view = painter.view(leg)
    # A worn, lighter front and creases behind the knee.
    columns = np.linspace(-1, 1, leg.width, dtype=np.float32)
    view *= (1 + 0.10 * np.exp(-(columns / 0.25) ** 2))[None, :, None]
    for row in (205, 216, 228, 240):
        dark = shaded(look.trousers, 0.72)
        for column in (0, leg.width):
            cv2.ellipse(view, (column, row), (46, 2), 0, 0, 360, dark, -1)
    for row in (-6, -20, -32):
        cv2.ellipse(view, (leg.width // 2, leg.height + row), (70, 2), 0, 0, 360,
                    shaded(look.trousers, 0.8), -1)
    painter.band(leg, 0.965, 0.972, 0.7)
    painter.band(leg, 0.99, 1.0, 0.55)
    belt = painter.view(hips)
    belt[26:40] = np.asarray((36, 44, 58), np.float32)
    belt[28:38, hips.width // 2 - 9:hips.width // 2 + 9] = np.asarray((150, 160, 165), np.float32)
    belt[40:110, hips.width // 2 - 1:hips.width // 2 + 2] *= 0.62
    for column in (hips.width // 2 - 70, hips.width // 2 + 70):
        cv2.line(belt, (column, 44), (column + (14 if column < 192 else -14) * -1, 84),
                 shaded(look.trousers, 0.6), 2, cv2.LINE_AA)


def _paint_limbs(painter: Painter) -> None:
    skin = painter.look.skin
    for region in (figure.ARM, figure.LEG, figure.NECK, figure.HAND, figure.FINGER):
        painter.skin(region)
    hand = painter.view(figure.HAND)
    for share in (0.35, 0.48, 0.62, 0.75):
        column = round(share * figure.HAND.width)
        cv2.line(hand, (column, 55), (column, 95), shaded(skin, 0.88), 2)
    finger = painter.view(figure.FINGER)
    for row in (8, 38, 42, 66):
        finger[row:row + 3] *= 0.86
    finger[84:, 4:22] *= 1.12


def _paint_shoes(painter: Painter) -> None:
    look, region = painter.look, figure.SHOE
    painter.cloth(region, look.shoes, (5, 5), 0.05)
    view = painter.view(region)
    width = region.width
    # Round the shoe: 0 and 1 = under the sole, 0.5 = the top; along: heel to tip.
    sole = np.asarray((205, 210, 214), np.float32)
    edge = round(0.215 * width)
    view[:, :edge] = sole
    view[:, width - edge:] = sole
    view[:, edge - 3:edge] *= 0.7
    view[:, width - edge:width - edge + 3] *= 0.7
    view[:, :round(0.12 * width)] *= 0.55
    view[:, width - round(0.12 * width):] *= 0.55
    view[150:, edge:width - edge] *= 0.86
    light = np.asarray((225, 228, 230), np.float32)
    for row in range(78, 128, 11):
        view[row:row + 4, width // 2 - 22:width // 2 + 22] = light
    view[8:26, edge:width - edge] *= 0.8
    view[30:70, width // 2 - 20:width // 2 + 20] *= 0.5


def paint_clothes(painter: Painter) -> None:
    """Paint everything below the head."""
    _paint_shirt(painter)
    _paint_trousers(painter)
    _paint_limbs(painter)
    _paint_shoes(painter)
