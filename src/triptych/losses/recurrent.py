"""Regularisation of a recurrent network's activations, added to the loss of training alone."""

from torch import Tensor


def activation_regularization(dropped: Tensor, alpha: float = 2.0) -> Tensor:
    """Activation regularisation (AR): `alpha` times the mean square of the activations after dropout.

    Args:
        dropped: Activations of the last layer after dropout, (N, T, C); computed in float32 at least.
        alpha: Its weight, at least 0.

    Source: Merity, McCann, Socher, "Revisiting Activation Regularization for Language RNNs", 2017; fastai's
        `RNNRegularizer`, with the course's weight.
    """
    return alpha * _mean_square(dropped)


def temporal_activation_regularization(raw: Tensor, beta: float = 1.0) -> Tensor:
    """Temporal activation regularisation (TAR): `beta` times the mean square of the steps from token to token.

    Args:
        raw: Activations of the last layer before dropout, (N, T, C); computed in float32 at least. One token gives 0.
        beta: Its weight, at least 0.

    Source: As of `activation_regularization`.
    """
    return beta * _mean_square(raw.diff(dim=1)) if raw.shape[1] > 1 else raw.new_zeros(())


def _mean_square(x: Tensor) -> Tensor:
    exact = x if x.dtype.itemsize >= 4 else x.float()
    return exact.square().mean()
