"""Networks for pictures, with the weights that Keras's server has for them."""

# Not published to the registry of serializable objects: a model file must never make anything be downloaded.
from graphc.keras.applications import (
    densenet,
    imagenet_utils,
    resnet,
    resnet50,
    resnet_v2,
    vgg16,
    vgg19,
)
from graphc.keras.applications.densenet import DenseNet121, DenseNet169, DenseNet201
from graphc.keras.applications.resnet import ResNet50, ResNet101, ResNet152
from graphc.keras.applications.resnet_v2 import ResNet50V2, ResNet101V2, ResNet152V2
from graphc.keras.applications.vgg16 import VGG16
from graphc.keras.applications.vgg19 import VGG19

__all__ = [
    "VGG16",
    "VGG19",
    "DenseNet121",
    "DenseNet169",
    "DenseNet201",
    "ResNet50",
    "ResNet50V2",
    "ResNet101",
    "ResNet101V2",
    "ResNet152",
    "ResNet152V2",
    "densenet",
    "imagenet_utils",
    "resnet",
    "resnet50",
    "resnet_v2",
    "vgg16",
    "vgg19",
]
