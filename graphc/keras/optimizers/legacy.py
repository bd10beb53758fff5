"""``keras.optimizers.legacy``: where Keras 2 kept its older optimizers; here the same as the current ones."""

from graphc.keras.optimizers.adadelta import Adadelta
from graphc.keras.optimizers.adagrad import Adagrad
from graphc.keras.optimizers.adam import Adam
from graphc.keras.optimizers.adamax import Adamax
from graphc.keras.optimizers.ftrl import Ftrl
from graphc.keras.optimizers.nadam import Nadam
from graphc.keras.optimizers.optimizer import Optimizer
from graphc.keras.optimizers.rmsprop import RMSprop
from graphc.keras.optimizers.sgd import SGD

__all__ = ["SGD", "Adadelta", "Adagrad", "Adam", "Adamax", "Ftrl", "Nadam", "Optimizer", "RMSprop"]
