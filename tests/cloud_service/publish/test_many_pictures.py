"""Photographs as they are: hundreds of them have more pixels than one request may."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest

from cloud_service.publish.recipes.graph import PictureInput
from cloud_service.publish.recipes.normalisation import KNOWN
from cloud_service.publish.recipes.pictures import PictureRecipe
from nearfar_wire.pixels import MAX_PIXELS


@pytest.mark.wide
def test_photographs_that_have_more_pixels_together_than_a_request_may_are_prepared_all_the_same() -> None:
    """They were prepared as one request, and data of a few hundred photographs was refused as too large."""
    file = io.BytesIO()
    PIL.Image.new("L", (4096, 4096)).save(file, "PNG")
    many = MAX_PIXELS // 4096**2 + 1
    pictures = np.empty(many, dtype=object)
    pictures[:] = [file.getvalue()] * many
    taken = PictureInput("input", "FP32", 8, 8, "nchw")
    made = PictureRecipe("encoded").tensors(taken, KNOWN["unit"], pictures)
    assert made["input"].shape == (many, 3, 8, 8)
