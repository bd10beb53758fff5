"""VGG19, and what its input and output mean."""

from __future__ import annotations

from graphc.keras.applications.imagenet_utils import decode_predictions
from graphc.keras.applications.scaling import preprocessing
from graphc.keras.applications.vgg import vgg

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]

VGG19 = vgg(19, (2, 2, 4, 4, 4), ("cbe5617147190e668d6c5d5026f83318", "253f8cb515780f3b799900260a226db6"))

preprocess_input = preprocessing("caffe", "Pixels for VGG: blue first, less the mean colour of ImageNet")
