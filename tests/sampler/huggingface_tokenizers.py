"""Tokenizers as well-known models have them, trained on given texts: name -> tokenizers.Tokenizer."""
import base64
import json
import struct

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

QWEN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
        r"\s+(?!\S)|\s+")
CLIP = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
          r"\s*[\r\n]+|\s+(?!\S)|\s+")


def charsmap(replacements):
    """SentencePiece's precompiled_charsmap for {text: replacement}: a double array of units and the
    replacements."""
    texts, places = b"", {}
    for by in dict.fromkeys(replacements.values()):
        places[by] = len(texts)
        texts += by.encode() + b"\0"
    tree = {}
    for text, by in replacements.items():
        node = tree
        for byte in text.encode():
            node = node.setdefault(byte, {})
        node[0] = places[by]
    units, used, waiting = {0: 0}, {0}, [(0, tree)]
    while waiting:
        at, node = waiting.pop(0)
        base = 1
        while {base ^ label for label in node} & used:
            base += 1
        used |= {base ^ label for label in node}
        units[at] |= (at ^ base) << 10 | (1 << 8 if 0 in node else 0)
        for label, child in node.items():
            units[base ^ label] = 1 << 31 | child if label == 0 else label
            if label:
                waiting.append((base ^ label, child))
    array = [units.get(i, 0) for i in range(max(units) + 256)]
    return struct.pack("<I", 4 * len(array)) + struct.pack(f"<{len(array)}I", *array) + texts


SMALL_MAP = {"\r\n": " ", "\r": " ", "\n": " ", "\t": " ", "\u00a0": " ", "\u3000": " ", "\ufb01": "fi",
             "\uff21": "A", "\u2460": "1",
             "\u00bd": "1\u20442", "\u200b": "", "e\u0301": "\u00e9", "\u0344": "\u0308\u0301",
             "\u00c4": "\u00c4", "\u337f": "株式会社"}


def precompiled(data):
    return normalizers.Precompiled(data)


def train(model, trainer, texts, normalizer=None, pre=None, post=None):
    tokenizer = Tokenizer(model)
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    if pre is not None:
        tokenizer.pre_tokenizer = pre
    tokenizer.train_from_iterator(texts, trainer)
    if post is not None:
        tokenizer.post_processor = post(tokenizer)
    return tokenizer


def around(before, after):
    """A template for a text alone."""
    def make(tokenizer):
        names = [name for name in (before, after) if name]
        single = " ".join(name for name in (before, "$A", after) if name)
        return processors.TemplateProcessing(single=single, pair=single + " $B",
                                             special_tokens=[
                                                 (name, tokenizer.token_to_id(name)) for name in names])
    return make


def roberta(begin, end, trim, prefix):
    return lambda t: processors.RobertaProcessing((end, t.token_to_id(end)), (begin, t.token_to_id(begin)),
                                                  trim, prefix)


def byte_bpe(texts, size, special, **parts):
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    return train(models.BPE(), trainer, texts, **parts)


def changed(tokenizer, change):
    """The tokenizer with its JSON changed."""
    parts = json.loads(tokenizer.to_str())
    change(parts)
    return Tokenizer.from_str(json.dumps(parts))


def byte_level(texts, size):
    plain = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)

    def cut(regex):
        return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(regex), "isolated"), bytes_only])
    made = {
        "gpt2": byte_bpe(texts, size, ["<|endoftext|>"], pre=plain,
                         post=lambda t: processors.ByteLevel(trim_offsets=True)),
        "roberta": byte_bpe(texts, size, ["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
                            pre=pre_tokenizers.ByteLevel(add_prefix_space=True),
                            post=roberta("<s>", "</s>", True, True)),
        "modernbert": byte_bpe(texts, size, ["[PAD]", "[CLS]", "[SEP]", "[UNK]"],
                               normalizer=normalizers.NFC(), pre=plain,
                               post=around("[CLS]", "[SEP]")),
        "qwen": byte_bpe(texts, size, ["<|endoftext|>", "<|im_start|>"], normalizer=normalizers.NFC(),
                         pre=cut(QWEN),
                         post=around(None, "<|endoftext|>")),
        "llama3": byte_bpe(texts, size, ["<s>"], pre=cut(LLAMA3), post=lambda t: processors.Sequence(
            [processors.ByteLevel(trim_offsets=False), around("<s>", None)(t)])),
    }
    made["modernbert"].add_tokens([AddedToken(" " * n, normalized=True) for n in (24, 8, 4, 2)])
    made["modernbert"].add_special_tokens([AddedToken("[MASK]", lstrip=True, special=True)])
    made["llama3"] = changed(made["llama3"], lambda parts: parts["model"].update(ignore_merges=True))
    made["bytes_normalized"] = byte_bpe(texts, size, ["<s>"], normalizer=normalizers.Sequence(
        [normalizers.NFKC(), normalizers.ByteLevel()]))
    return made


def clip(texts, size):
    normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "),
                                       normalizers.Lowercase()])
    pre = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(CLIP), "removed", invert=True),
                                   pre_tokenizers.ByteLevel(add_prefix_space=False)])
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=["<|startoftext|>", "<|endoftext|>"],
                                  show_progress=False,
                                  end_of_word_suffix="</w>",
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    model = models.BPE(end_of_word_suffix="</w>", unk_token="<|endoftext|>")
    return train(model, trainer, texts, normalizer, pre,
                 roberta("<|startoftext|>", "<|endoftext|>", False, False))


def open_clip_bpe(lines):
    """open_clip's vocabulary: `lines` of its merges."""
    from open_clip.tokenizer import bytes_to_unicode
    merges = [tuple(line.split()) for line in lines[1:49152 - 256 - 2 + 1]]
    letters = list(bytes_to_unicode().values())
    tokens = letters + [letter + "</w>" for letter in letters] + ["".join(pair) for pair in merges]
    vocabulary = {token: i for i, token in enumerate(tokens + ["<|startoftext|>", "<|endoftext|>"])}
    made = clip(["a"], 600)
    made.model = models.BPE(vocabulary, merges, end_of_word_suffix="</w>", unk_token="<|endoftext|>")
    made.add_special_tokens(["<|startoftext|>", "<|endoftext|>"])
    made.post_processor = roberta("<|startoftext|>", "<|endoftext|>", False, False)(made)
    parts = json.loads(made.to_str())
    parts["added_tokens"] = [token for token in parts["added_tokens"]
                             if token["id"] == vocabulary[token["content"]]]
    return Tokenizer.from_str(json.dumps(parts))


def llama(texts, size):
    normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, show_progress=False,
                                  limit_alphabet=60)
    made = train(models.BPE(unk_token="<unk>", fuse_unk=True), trainer, texts, normalizer, None,
                 around("<s>", None))

    def falls_back(parts):
        parts["model"].update(byte_fallback=True)
        parts["added_tokens"] = parts["added_tokens"][:3]
    return changed(made, falls_back)


def unigram(texts, size, data):
    space = pre_tokenizers.Metaspace(prepend_scheme="always")
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=size, special_tokens=special, unk_token="<unk>",
                                      show_progress=False)
    made = {
        "xlmr": train(models.Unigram(), trainer, texts, normalizers.Sequence(
            [precompiled(data), normalizers.Replace(Regex(" {2,}"), " ")]),
            pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), space]), around("<s>", "</s>")),
        "albert": train(models.Unigram(), trainer, texts, normalizers.Sequence(
            [normalizers.Replace("``", '"'), normalizers.NFKD(), normalizers.StripAccents(),
             normalizers.Lowercase(), precompiled(data),
             normalizers.Strip(left=False, right=True)]),
                        pre_tokenizers.Metaspace(prepend_scheme="first", split=False), around("<s>", "</s>")),
        "nmt": train(models.Unigram(), trainer, texts,
                     normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Strip()]),
                     pre_tokenizers.Metaspace(prepend_scheme="never"), around(None, "</s>")),
    }
    made["xlmr"].add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    made["nmt"] = changed(made["nmt"],
                          lambda parts:
                          parts["model"]["vocab"].extend([[f"<0x{byte:02X}>", -20.0] for byte in range(256)])
                          or parts["model"].update(byte_fallback=True))
    return made


def bert(texts, size):
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    made = {}
    for name, how in (("bert", {}), ("bert_cased", {"lowercase": False, "strip_accents": False}),
                      ("bert_accents", {"lowercase": True, "strip_accents": False, "clean_text": False})):
        trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=special, show_progress=False)
        made[name] = train(models.WordPiece(unk_token="[UNK]"), trainer, texts,
                           normalizers.BertNormalizer(**how),
                           pre_tokenizers.BertPreTokenizer(),
                           lambda t: processors.BertProcessing(("[SEP]", t.token_to_id("[SEP]")),
                                                               ("[CLS]", t.token_to_id("[CLS]"))))
    made["bert"].add_tokens([AddedToken("Added", single_word=True), AddedToken("right", rstrip=True),
                             AddedToken("left", lstrip=True),
                             AddedToken("RAW", normalized=False), AddedToken("Ünï", normalized=True)])
    made["bert_cased"].enable_truncation(12, direction="left")
    return made


def cutters():
    """Every pre-tokenizer and normalizer by itself: each piece is an unknown word, whose place is
    compared."""
    made = {}
    behaviors = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]
    alone = {"whitespace": pre_tokenizers.Whitespace(), "whitespace_split": pre_tokenizers.WhitespaceSplit(),
             "digits": pre_tokenizers.Digits(), "each_digit": pre_tokenizers.Digits(individual_digits=True),
             "delimiter": pre_tokenizers.CharDelimiterSplit("-"),
             "metaspace": pre_tokenizers.Metaspace(replacement="_", prepend_scheme="first"),
             "letters": pre_tokenizers.Split("", "isolated"),
             "lines": pre_tokenizers.Split(Regex("^|$"), "isolated")}
    for behavior in behaviors:
        alone["punctuation_" + behavior] = pre_tokenizers.Punctuation(behavior)
        alone["split_" + behavior] = pre_tokenizers.Split("a", behavior)
        alone["regex_" + behavior] = pre_tokenizers.Split(Regex(r"[aeiou]+|\d"), behavior, invert=True)
    for name, pre in alone.items():
        made[name] = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
        made[name].pre_tokenizer = pre
    forms = {"nfc": normalizers.NFC(), "nfd": normalizers.NFD(), "nfkc": normalizers.NFKC(),
             "nfkd": normalizers.NFKD(),
             "lowercase": normalizers.Lowercase(), "strip": normalizers.Strip(),
             "accents": normalizers.StripAccents(),
             "replace": normalizers.Replace(Regex("[aeiou ]+"), "__"), "prepend": normalizers.Prepend(">>"),
             "nmt_only": normalizers.Nmt(),
             "map": precompiled(charsmap(SMALL_MAP))}
    for name, normalizer in forms.items():
        made[name] = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
        made[name].normalizer = normalizers.Sequence([normalizer])
        made[name].pre_tokenizer = pre_tokenizers.Split("", "isolated")
    return made


def all_of(texts, size, data=None):
    data = data or charsmap(SMALL_MAP)
    made = byte_level(texts, size)
    made["clip"] = clip(texts, size + 300)
    made["llama"] = llama(texts, size)
    made.update(unigram(texts, size, data))
    made.update(bert(texts, size))
    made.update(cutters())
    return made
