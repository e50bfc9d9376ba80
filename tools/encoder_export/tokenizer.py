"""The tokenizer of a folder in a form that Lodestone reads: vocab.txt, a SentencePiece model, or
tokenizer.json."""
import shutil

from .found import read_json

SENTENCEPIECE = ("sentencepiece.bpe.model", "spiece.model", "spm.model", "tokenizer.model")
MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def wordpiece(about):
    """The tokens by id and the text rules, if a tokenizer.json is BERT's WordPiece as Lodestone reads it from
    vocab.txt; else nothing."""
    model, normalizer, before = (about.get(key) or {} for key in ("model", "normalizer", "pre_tokenizer"))
    ids = dict(model.get("vocab") or {}) if model.get("type") == "WordPiece" else {}
    for token in about.get("added_tokens", []):
        ids.setdefault(token["content"], token["id"])
    tokens = sorted(ids, key=ids.get)
    fits = (tokens and [ids[token] for token in tokens] == list(range(len(tokens)))
            and all(mark in ids for mark in MARKS)
            and model.get("unk_token") == "[UNK]" and model.get("continuing_subword_prefix") == "##"
            and model.get("max_input_chars_per_word") == 100 and normalizer.get("type") == "BertNormalizer"
            and normalizer.get("clean_text")
            and normalizer.get("handle_chinese_chars") and before.get("type") == "BertPreTokenizer"
            and not any("\n" in token or token != token.strip() for token in tokens))
    template = about.get("post_processor") or {}
    around = [str(list(part.values())[0].get("id")) for part in template.get("single", [])] if template.get(
        "type") == "TemplateProcessing" else []
    if not fits or not (around == ["[CLS]", "A", "[SEP]"] or template.get("type") == "BertProcessing"):
        return None
    return tokens, normalizer.get("lowercase", True), normalizer.get("strip_accents")


def settings_of(lower, strip):
    settings = {} if lower else {"lower_case": False}
    if strip is not None and strip != lower:
        settings["strip_accents"] = "yes" if strip else "no"
    return settings


def copy(folder, output):
    """Writes the tokenizer of `folder` to `output`; the settings of data.text.tokenizer, or nothing if the
    folder has none."""
    about = read_json(folder / "tokenizer.json")
    if about:
        shutil.copyfile(folder / "tokenizer.json", output / "tokenizer.json")
    words = wordpiece(about) if about else None
    if words:
        (output / "vocab.txt").write_text("".join(token + "\n" for token in words[0]), encoding="utf-8")
        return {"path": "vocab.txt", **settings_of(words[1], words[2])}
    said = read_json(folder / "tokenizer_config.json")
    pieces = next((name for name in SENTENCEPIECE if (folder / name).is_file()), None)
    if pieces and "XLMRoberta" in said.get("tokenizer_class", ""):
        shutil.copyfile(folder / pieces, output / pieces)
        return {"path": pieces, "kind": "sentencepiece", "ids": "xlm_roberta"}
    if about:
        return {"path": "tokenizer.json"}
    if (folder / "vocab.txt").is_file():
        shutil.copyfile(folder / "vocab.txt", output / "vocab.txt")
        return {"path": "vocab.txt",
                **settings_of(said.get("do_lower_case", True), said.get("strip_accents"))}
    if pieces:
        shutil.copyfile(folder / pieces, output / pieces)
        return {"path": pieces, "kind": "sentencepiece"}
    return None
