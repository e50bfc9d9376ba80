"""open_clip's own tokenizer as a tokenizer.json, for a folder that has none: byte-level BPE of lower-case
words, whose last piece ends in </w>."""
from .errors import need

WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def tokenizer_json(folder):
    """The object of the file, or nothing if the model has another tokenizer. Texts that open_clip repairs
    first (broken encodings, HTML entities) are taken as they are."""
    library = need("open_clip")
    tokenizer = library.get_tokenizer(f"local-dir:{folder}")
    if (type(tokenizer).__name__ != "SimpleTokenizer" or tokenizer.reduction_fn
            or tokenizer.clean_fn(" A  b") != "a b"):
        return None
    names = [tokenizer.decoder[i] for i in tokenizer.all_special_ids]
    begin, end = ({"SpecialToken": {"id": name, "type_id": 0}} for name in names[:2])
    special = {name: {"id": name, "ids": [tokenizer.encoder[name]], "tokens": [name]} for name in names[:2]}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    split = {"type": "Split", "pattern": {"Regex": WORDS}, "behavior": "Removed", "invert": True}
    first, second = {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    return {
        "version": "1.0", "truncation": None,
        "padding": {"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
                    "pad_type_id": 0, "pad_token": tokenizer.decoder[0]},
        "added_tokens": [{"id": tokenizer.encoder[name], "content": name, **flags} for name in names],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "}, {"type": "Lowercase"}]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": {"type": "TemplateProcessing", "single": [begin, first, end],
                           "pair": [begin, first, end, second, end], "special_tokens": special},
        "decoder": None,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": "</w>", "fuse_unk": False, "byte_fallback": False,
                  "ignore_merges": False, "vocab": tokenizer.encoder,
                  "merges": [list(pair) for pair in tokenizer.bpe_ranks]}}
