"""Single images and masks: one reader of headers and pixels, for checks, training and prediction."""

from triptych.images.check import check_images
from triptych.images.decode import Channels
from triptych.images.given import GivenImage, given_pixels
from triptych.images.header import ImageHeader, image_header
from triptych.images.masks import ColouredMaskError, read_ids, read_rgba, refuse_changed_ids
from triptych.images.orientation import pair_as_shown
from triptych.images.read import READERS, read_rgb, read_rgb_and_more
from triptych.images.scaling import Scale, checked_scale
from triptych.images.upload import uploaded_header, uploaded_ids, uploaded_image

__all__ = [
    "READERS",
    "Channels",
    "ColouredMaskError",
    "GivenImage",
    "ImageHeader",
    "Scale",
    "check_images",
    "checked_scale",
    "given_pixels",
    "image_header",
    "pair_as_shown",
    "read_ids",
    "read_rgb",
    "read_rgb_and_more",
    "read_rgba",
    "refuse_changed_ids",
    "uploaded_header",
    "uploaded_ids",
    "uploaded_image",
]
