"""Pictures made worse in a known way."""

from __future__ import annotations

import numpy as np

from neuropose_ros.learning.pose_training import photometry


def edge() -> np.ndarray:
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, 32:] = 200
    return image


def test_low_light_is_dark_and_noisy():
    dark = photometry.low_light(edge(), 0.1, 4, np.random.default_rng(0))
    # A tenth of the light is 0.1 ** (1 / 2.2) = 0.35 of the grey level.
    assert abs(float(dark[:, 40:].mean()) - 200 * 0.351) < 2
    assert 4 < dark[:, 40:].std() < 8


def test_motion_blurs_along_its_direction_alone():
    across = photometry.motion_blur(edge(), 11, 0.0)
    along = photometry.motion_blur(edge(), 11, np.pi / 2)
    assert ((across[32, :, 0] > 10) & (across[32, :, 0] < 190)).sum() >= 8
    assert (along == edge()).all()


def test_out_of_focus_is_soft_and_as_bright():
    soft = photometry.defocus(edge(), 4)
    assert ((soft[32, :, 0] > 10) & (soft[32, :, 0] < 190)).sum() >= 5
    assert abs(float(soft.mean()) - float(edge().mean())) < 2


def test_occluders_hide_about_their_share():
    image = np.full((80, 80, 3), 128, np.uint8)
    shares = [(photometry.occluded(image, 0.2, np.random.default_rng(seed)) != 128).any(-1).mean()
              for seed in range(40)]
    assert 0.02 < np.mean(shares) < 0.2 and max(shares) <= 0.25


def test_coarse_and_compressed_keep_size_and_lose_detail():
    grain = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
    for worse in (photometry.coarse(grain, 0.3), photometry.compressed(grain, 10)):
        assert worse.shape == grain.shape and worse.std() < 0.8 * grain.std()


def test_tint_changes_channels_on_their_own():
    grey = np.full((4, 4, 3), 100, np.uint8)
    tinted = photometry.tinted(grey, np.array([1, 1.5, 0.5], np.float32), 10)
    assert tinted[0, 0].tolist() == [110, 96, 124]


def test_hues_turn_and_tones_change():
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 2] = 200
    green = photometry.recoloured(red, 120, 1, 1)[0, 0]
    assert green[1] >= 198 and green[0] <= 2 and green[2] <= 2
    assert photometry.recoloured(red, 0, 1, 2)[0, 0, 2] == int(200 / 255 * 200)
    assert photometry.recoloured(red, 0, 1, 1, negative=True)[0, 0].tolist() == [255, 255, 55]
    assert np.ptp(photometry.recoloured(red, 0, 0, 1)[0, 0]) == 0
