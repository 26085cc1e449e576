"""The largest tensor that code makes on its way."""

from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Largest(TorchDispatchMode):
    """Notes the bytes of the largest tensor that an operation makes within the block; a view is not made."""

    bytes = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = function(*args, **(kwargs or {}))
        given = {one.untyped_storage().data_ptr() for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)}
        for one in tree_leaves(output):
            if isinstance(one, Tensor) and one.untyped_storage().data_ptr() not in given:
                self.bytes = max(self.bytes, one.numel() * one.element_size())
        return output
