"""What is trained: the same model, weights, batches, loss and optimizer on both sides."""
from dataclasses import dataclass

import torch
from torch import nn
from torchvision.models import resnet18


class Conv4(nn.Module):
    """Four blocks of convolution, batch norm, ReLU, max pool; then a linear layer. Names as Lodestone's."""

    def __init__(self, channels: int, width: int, embedding: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList()
        for before in (channels, width, width, width):
            block = nn.Sequential()
            block.add_module("conv", nn.Conv2d(before, width, 3, padding=1, bias=False))
            block.add_module("bn", nn.BatchNorm2d(width))
            block.add_module("relu", nn.ReLU(inplace=True))
            block.add_module("pool", nn.MaxPool2d(2))
            self.blocks.append(block)
        self.head = nn.Linear(width, embedding)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = block(x)
        return self.head(x.flatten(1))


@dataclass(frozen=True)
class Case:
    """A model with its batches; `config` is Lodestone's configuration beside this file."""

    key: str
    title: str
    config: str
    rows: int  # of the global batch
    per_class: int
    shape: tuple[int, int, int]  # channels, height, width
    temperature: float = 0.1
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4

    def model(self) -> nn.Module:
        torch.manual_seed(0)
        if self.key == "conv4":
            return Conv4(self.shape[0], 64, 64)
        return resnet18(num_classes=128)

    def weights(self) -> dict[str, torch.Tensor]:
        """The weights both sides start from, under Lodestone's names."""
        return {name.replace("fc.", "head."): tensor for name, tensor in self.model().state_dict().items()
                if tensor.is_floating_point()}

    def load(self, model: nn.Module, weights: dict[str, torch.Tensor]) -> None:
        own = {name: weights.get(name.replace("fc.", "head."),
                                 tensor) for name, tensor in model.state_dict().items()}
        model.load_state_dict(own)

    def batches(self, count: int) -> dict[str, torch.Tensor]:
        """Pictures of noise: a step takes as long whatever they show."""
        torch.manual_seed(1)
        label = torch.arange(self.rows).div(self.per_class, rounding_mode="floor")
        return {"pixels": torch.randn(count, self.rows, *self.shape),
                "label": label.expand(count, -1).contiguous()}


CASES = (
    Case("conv4", "conv4, 28×28, 256 rows", "conv4.yaml", 256, 4, (1, 28, 28)),
    Case("resnet18", "resnet18, 64×64, 128 rows", "resnet18.yaml", 128, 4, (3, 64, 64)),
)
