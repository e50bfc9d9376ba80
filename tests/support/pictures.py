"""Images of a few classes, made by a few lines."""
import random
import struct
import zlib


def png(side, pixels, channels=1):
    """A grey PNG, or a coloured one of three channels."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    row, kind = side * channels, {1: 0, 3: 2}[channels]
    rows = b"".join(b"\0" + pixels[y * row:(y + 1) * row] for y in range(side))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, kind, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def make_classes(folder):
    """Eight folders of six grey pictures, those of a folder alike."""
    draw = random.Random(1)
    for c in range(8):
        shape = [draw.randrange(180) for _ in range(256)]
        (folder / f"class{c}").mkdir(parents=True)
        for s in range(6):
            pixels = bytes(value + draw.randrange(70) for value in shape)
            (folder / f"class{c}" / f"{c}-{s}.png").write_bytes(png(16, pixels))
