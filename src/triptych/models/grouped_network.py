"""Base class of all networks: an encoder, layer groups and freezing."""

from abc import ABC, abstractmethod

from torch import nn

from triptych.models.layer_groups import LayerGroups, freeze_to, keep_frozen_norms


class GroupedNetwork(nn.Module, ABC):
    """Base network: an encoder and the layers after it, whose parameters are split into layer groups."""

    encoder: nn.Module
    """The part that starts from pretrained weights."""

    @abstractmethod
    def layer_groups(self) -> LayerGroups:
        """All parameters, each in one group, in the order in which `freeze_to` freezes them."""

    def freeze_to(self, first: int, train_bn: bool = True) -> None:
        """Freezes the groups before `first`; see `triptych.models.layer_groups.freeze_to`."""
        freeze_to(self, self.layer_groups(), first, train_bn)
        self.train(self.training)

    def train(self, mode: bool = True) -> "GroupedNetwork":
        """Sets the mode, but batch-norm with frozen parameters stays in evaluation mode."""
        super().train(mode)
        keep_frozen_norms(self)
        return self
