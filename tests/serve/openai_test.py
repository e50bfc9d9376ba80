#!/usr/bin/env python3
"""OpenAI's own client against a live `lodestone serve` of a model of texts. usage: openai_test.py LODESTONE

Exits with 77 (skipped) where this Python has no package openai; the folder named by OPENAI_MODULES, if set,
is looked at first.
"""
import json
import os
import pathlib
import sys
import tempfile
import urllib.request

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
if os.environ.get("OPENAI_MODULES"):
    sys.path.insert(0, os.environ["OPENAI_MODULES"])
import served_model  # noqa: E402

try:
    import openai
except ImportError:
    print(f"skipped: {sys.executable} has no package openai (pip install openai)")
    sys.exit(77)

TEXTS = ["please word1 and number 2", "word7", "number 4"]


def post(address, path, body):
    request = urllib.request.Request(address + path, json.dumps(body).encode(),
                                     {"Content-Type": "application/json",
                                      "Authorization": f"Bearer {served_model.TOKEN}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def refused(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"expected {kind.__name__}, got an answer")


def near(one, other):
    assert len(one) == len(other) and all(abs(a - b) < 1e-6 for a, b in zip(one, other)), (one[:4], other[:4])


def check_rows(client, address):
    rows = post(address, "/embed", {"texts": TEXTS})["embeddings"]
    # The client asks for base64 unless told otherwise.
    for more in ({}, {"encoding_format": "float"}, {"encoding_format": "base64"}, {"user": "somebody"}):
        made = client.embeddings.create(model="run", input=TEXTS, **more)
        assert [row.index for row in made.data] == [0, 1, 2] and made.model == "run"
        assert made.usage.prompt_tokens == made.usage.total_tokens > len(TEXTS)
        if more.get("encoding_format") != "base64":
            for row, own in zip(made.data, rows):
                near(row.embedding, own)
    near(client.embeddings.create(model="run", input=TEXTS[0]).data[0].embedding, rows[0])
    cut = client.embeddings.create(model="run", input=TEXTS[0], dimensions=3).data[0].embedding
    norm = sum(value * value for value in rows[0][:3]) ** 0.5
    near(cut, [value / norm for value in rows[0][:3]])
    ids = client.embeddings.create(model="run", input=[[2, 5, 6, 3], [2, 7, 3]])
    assert len(ids.data) == 2 and ids.usage.prompt_tokens == 7
    near(client.embeddings.create(model="run", input=[2, 7, 3]).data[0].embedding, ids.data[1].embedding)
    assert post(address, "/embed", {"inputs": TEXTS}) == rows


def check_errors(client):
    def create(**given):
        return lambda: client.embeddings.create(**{"model": "run", "input": "word1", **given})

    other = refused(openai.NotFoundError, create(model="text-embedding-3-small"))
    assert other.code == "model_not_found" and other.param == "model" and "'run'" in other.message
    assert refused(openai.BadRequestError, create(input="")).param == "input"
    assert refused(openai.BadRequestError, create(dimensions=100000)).param == "dimensions"
    assert refused(openai.BadRequestError, create(input="word1 " * 100)).type == "invalid_request_error"
    stranger = client.with_options(api_key="another")
    assert refused(openai.AuthenticationError, lambda: stranger.models.list()).code == "invalid_api_key"


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        served_model.of_texts(program, work)
        with served_model.Service(program, work) as service, openai.OpenAI(
                base_url=f"{service.address}/v1", api_key=served_model.TOKEN, max_retries=0,
                timeout=30) as client:
            assert [model.id for model in client.models.list()] == ["run"]
            check_rows(client, service.address)
            check_errors(client)
    return 0


if __name__ == "__main__":
    sys.exit(main())
