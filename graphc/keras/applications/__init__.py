"""Networks for pictures, with the weights that Keras's server has for them."""

# Not published to the registry of serializable objects: a model file must never make anything be downloaded.
from graphc.keras.applications import (
    densenet,
    imagenet_utils,
    inception_resnet_v2,
    inception_v3,
    mobilenet,
    mobilenet_v2,
    mobilenet_v3,
    resnet,
    resnet50,
    resnet_v2,
    vgg16,
    vgg19,
    xception,
)
from graphc.keras.applications.densenet import DenseNet121, DenseNet169, DenseNet201
from graphc.keras.applications.inception_resnet_v2 import InceptionResNetV2
from graphc.keras.applications.inception_v3 import InceptionV3
from graphc.keras.applications.mobilenet import MobileNet
from graphc.keras.applications.mobilenet_v2 import MobileNetV2
from graphc.keras.applications.mobilenet_v3 import MobileNetV3Large, MobileNetV3Small
from graphc.keras.applications.resnet import ResNet50, ResNet101, ResNet152
from graphc.keras.applications.resnet_v2 import ResNet50V2, ResNet101V2, ResNet152V2
from graphc.keras.applications.vgg16 import VGG16
from graphc.keras.applications.vgg19 import VGG19
from graphc.keras.applications.xception import Xception

__all__ = [
    "VGG16",
    "VGG19",
    "DenseNet121",
    "DenseNet169",
    "DenseNet201",
    "InceptionResNetV2",
    "InceptionV3",
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Large",
    "MobileNetV3Small",
    "ResNet50",
    "ResNet50V2",
    "ResNet101",
    "ResNet101V2",
    "ResNet152",
    "ResNet152V2",
    "Xception",
    "densenet",
    "imagenet_utils",
    "inception_resnet_v2",
    "inception_v3",
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v3",
    "resnet",
    "resnet50",
    "resnet_v2",
    "vgg16",
    "vgg19",
    "xception",
]
