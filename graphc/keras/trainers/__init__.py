"""Training, evaluation and prediction: data, compiled losses and metrics, compiled steps, loops."""
