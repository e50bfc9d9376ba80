"""One vector of a text from those of its tokens, and the padding that a model expects."""
import torch


def pooled(states, mask, how):
    """states [n, T, D], mask [n, T] with the padding on the right or the left; how as --pooling."""
    if how == "cls":
        return states[:, 0]
    if how == "last":
        steps = torch.arange(states.shape[1], device=states.device)
        last = torch.where(mask, steps, -1).amax(1)
        return states[torch.arange(states.shape[0], device=states.device), last]
    if how == "max":
        return states.masked_fill(~mask.unsqueeze(-1), float("-inf")).amax(1)
    weight = mask.to(states.dtype).unsqueeze(-1)
    return (states * weight).sum(1) / weight.sum(1).clamp(min=1e-9)


def to_the_left(tokens, mask):
    """Moves the padding from the end of each row to its beginning."""
    length = tokens.shape[1]
    padding = length - mask.long().sum(1, keepdim=True)
    place = torch.remainder(torch.arange(length, device=tokens.device).unsqueeze(0) - padding, length)
    return tokens.gather(1, place), mask.gather(1, place)


class Texts(torch.nn.Module):
    """What all programs of texts begin with: padding has the model's own id, on the side that it expects."""

    def __init__(self, padding, left):
        super().__init__()
        self.padding, self.left = padding, left

    def prepared(self, tokens, mask):
        if self.padding is not None:
            tokens = tokens.masked_fill(~mask, self.padding)
        return to_the_left(tokens, mask) if self.left else (tokens, mask)
