"""export.json: under which names the weights of the programs are stored in the folder that they come from."""
import json

import torch

from .errors import need


def shards(file):
    """The files that hold the tensors of a file of weights or of an index."""
    if file.suffix != ".json":
        return [file] if file.is_file() else []
    return [file.parent / name for name in sorted(
        set(json.loads(file.read_text(encoding="utf-8"))["weight_map"].values()))]


def tensors_below(module, prefix):
    """{name without the prefix: (canonical name, tensor)} of floating-point weights and buffers; tied ones
    share the canonical name."""
    found, first = {}, {}
    for name, tensor in (*module.named_parameters(remove_duplicate=False),
                         *module.named_buffers(remove_duplicate=False)):
        canonical = first.setdefault(id(tensor), name)
        if tensor.is_floating_point() and name.startswith(prefix):
            found[name[len(prefix):]] = (canonical, tensor.detach())
    return found


def older(name):
    """The present name of a tensor with an older one."""
    for before, now in ((".gamma", ".weight"), (".beta", ".bias")):
        if name.endswith(before):
            return name[:-len(before)] + now
    return name


def matched(ours, theirs, same):
    """{their name: our canonical name}. Names agree behind one prefix, the one under which most do, with
    equal values. What has no name there is found by its values, if only one tensor has them (a library that
    renames)."""
    counts = {}
    for name in theirs:
        parts = name.split(".")
        for i in range(len(parts)):
            prefix, rest = ".".join(parts[:i]) + ("." if i else ""), older(".".join(parts[i:]))
            if rest in ours and same(name, ours[rest][1]):
                counts[prefix] = counts.get(prefix, 0) + 1
    found = {}
    if counts:
        prefix = max(sorted(counts), key=counts.get)
        for name in theirs:
            rest = older(name[len(prefix):])
            if name.startswith(prefix) and rest in ours and same(name, ours[rest][1]):
                found[name] = ours[rest][0]
    left = {canonical: tensor for canonical, tensor in ours.values() if canonical not in found.values()
            and tensor.unique().numel() > 1}
    for canonical, tensor in left.items():
        equal = [name for name in theirs if name not in found and same(name, tensor)]
        if len(equal) == 1:
            found[equal[0]] = canonical
    return found


def names_of(program, folder):
    """{file: {their name: our name}} of a program's weights; empty for a source without a folder, or without
    safetensors."""
    if folder is None:
        return {}
    safetensors = need("safetensors")
    names = {}
    for file, prefix in program.weights.items():
        stored = {}
        for shard in shards(folder / file):
            with safetensors.safe_open(shard, framework="pt") as reader:
                for key in reader.keys():
                    if reader.get_slice(key).get_dtype() in ("F64", "F32", "F16", "BF16"):
                        stored[key] = reader.get_tensor(key)
        shapes = {key: tuple(value.shape) for key, value in stored.items()}

        def same(key, tensor):
            return shapes[key] == tuple(tensor.shape) and torch.equal(stored[key].float(), tensor.float())

        if not stored:
            continue
        names[file] = matched(tensors_below(program.module, prefix), stored, same)
    return names


def nameless(program):
    """Weights that are trained and have no name in the folder; adapters need none."""
    known = {ours for file in program.names.values() for ours in file.values()}
    return [name for name, weight in program.module.named_parameters() if weight.requires_grad
            and name not in known and ".lora_" not in name]


def write(found, folder):
    if found.folder is None:
        return
    programs = {one.file: {"files": one.names,
                           **({"lora": one.adapters} if one.adapters else {})} for one in found.programs}
    about = {"version": 1, "kind": found.kind, "source": str(found.folder.resolve()), "programs": programs}
    if found.pooling:
        about["pooling"] = found.pooling
    (folder / "export.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
