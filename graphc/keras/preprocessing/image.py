"""Single images: reading, writing, resizing."""

from graphc.keras.utils.aspect import smart_resize
from graphc.keras.utils.image import array_to_img, img_to_array, load_img, save_img

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img", "smart_resize"]
