"""A folder of sentence-transformers: its modules in order, without the last normalisation, which is
Lodestone's own."""
import torch

from .errors import ExportError, need
from .found import Found, Program, Texts, read_json
from .pooling import Texts as TextModule
from .transformers_folder import longest, weight_file


class Sentences(TextModule):
    def __init__(self, steps, padding, left):
        super().__init__(padding, left)
        self.steps = torch.nn.ModuleList(steps)

    def forward(self, tokens, mask):
        tokens, mask = self.prepared(tokens, mask)
        features = {"input_ids": tokens, "attention_mask": mask.long()}
        for step in self.steps:
            features = step(features)
        return features["sentence_embedding"]


def inner_model(step):
    """The name and the value of the attribute of a step that is a model of transformers."""
    transformers = need("transformers")
    for name, child in step.named_children():
        if isinstance(child, transformers.PreTrainedModel):
            return name, child
    return None, None


def load(folder, options):
    library = need("sentence_transformers")
    if options.pooling:
        raise ExportError(f"--pooling: expected a folder that does not say it, got {folder}, whose "
                          f"modules.json does; leave the option out")
    model = library.SentenceTransformer(str(folder), device="cpu", local_files_only=True,
                                        trust_remote_code=options.trust_remote_code)
    model = model.float().eval()
    steps, listed = list(model), read_json(folder / "modules.json")
    normalize = type(steps[-1]).__name__ == "Normalize"
    attribute, inner = inner_model(steps[0])
    if inner is None:
        raise ExportError(f"{folder}: expected a Transformer as the first of modules.json, got "
                          f"{type(steps[0]).__name__}; name the model as "
                          "MODULE:FUNCTION")
    if any(type(step).__name__ == "Normalize" for step in steps[:-1]):
        raise ExportError(f"{folder}: expected Normalize as the last of modules.json, got one before; name "
                          f"the model as MODULE:FUNCTION")
    # The last step is left to Lodestone; comparisons are made before it.
    kept = steps[:-1] if normalize else steps
    weights = {}
    for i, (step, entry) in enumerate(zip(kept, listed)):
        if any(True for _ in step.parameters()):
            weights[weight_file(folder / entry["path"], folder)] = f"steps.{i}." + (
                f"{attribute}." if i == 0 else "")

    def original(tokens):
        features = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}
        for step in kept:
            features = step(features)
        return features["sentence_embedding"]

    most = options.max_tokens or longest(inner.config, folder, getattr(model, "max_seq_length", None))
    module = Sentences(kept, getattr(inner.config, "pad_token_id", None), options.left_padding)
    prompts = {name: text for name, text in (getattr(model, "prompts", None) or {}).items() if text}
    found = Found("sentence_transformers", folder,
                  [Program("encoder.pt2", module, original,
                           Texts(most, inner.get_input_embeddings().num_embeddings),
                           weights)], normalize, prompts=prompts)
    if any(getattr(step, "include_prompt", True) is False for step in steps):
        found.notes.append("the folder's pooling leaves out the tokens of prompts, while the program takes "
                           "all tokens: use no prompts, or expect other embeddings for texts that have one")
    if prompts:
        found.notes.append("the folder has prompts, which Lodestone does not add: put them before the texts "
                           "of your data ("
                           + ", ".join(f"{name}: {text!r}" for name, text in prompts.items()) + ")")
    return found
