#!/usr/bin/env python3
"""Checkpoints of tenfold in PyTorch: the same weights in torch.nn.Transformer give the same logits.

    torch_check.py TORCH_REFERENCE    the test: makes checkpoints with that program and compares
    torch_check.py --load CHECKPOINT  shows that a checkpoint of your own loads

Needs PyTorch and NumPy (Debian: python3-torch, python3-numpy); without them it says so and exits 77.
"""
import json
import math
import pathlib
import struct
import subprocess
import sys
import tempfile
import warnings

SKIPPED = 77
BOUND = 1e-4
try:
    import numpy
    import torch
except ImportError as error:
    print(f"skipped: {error} (Debian: apt install python3-torch python3-numpy)")
    sys.exit(SKIPPED)

warnings.filterwarnings("ignore", message=".*nested tensors")  # PyTorch's own, about its fast path
TYPES = {"F32": numpy.float32, "I32": numpy.int32}
OWN = ("src_embed.", "tgt_embed.", "generator.", "src_pos.", "tgt_pos.")  # what torch.nn.Transformer has not


def read_safetensors(path):
    """{name: array}; see https://github.com/huggingface/safetensors, section "Format"."""
    data = pathlib.Path(path).read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header, body = json.loads(data[8:8 + length]), data[8 + length:]
    header.pop("__metadata__", None)
    return {name: torch.from_numpy(numpy.frombuffer(body[slice(*t["data_offsets"])], TYPES[t["dtype"]])
                                   .reshape(t["shape"]).copy())
            for name, t in header.items()}


class Translator:
    """A checkpoint of tenfold around torch.nn.Transformer."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        s = json.loads((folder / "config.json").read_text())["settings"]
        w = self.weights = read_safetensors(folder / "model.safetensors")
        self.dim = s["model_dim"]
        self.transformer = torch.nn.Transformer(
            d_model=self.dim, nhead=s["heads"], num_encoder_layers=s["encoder_layers"],
            num_decoder_layers=s["decoder_layers"], dim_feedforward=s["feed_forward_dim"], dropout=0.0,
            activation="gelu" if s["gelu"] else "relu", layer_norm_eps=1e-5, batch_first=True,
            norm_first=s["pre_norm"]).eval()
        self.transformer.load_state_dict({k: v for k, v in w.items() if not k.startswith(OWN)}, strict=True)
        source = "src_embed.weight" if "src_embed.weight" in w else "tgt_embed.weight"
        output = "generator.weight" if "generator.weight" in w else "tgt_embed.weight"
        self.source, self.target, self.output = w[source], w["tgt_embed.weight"], w[output]

    def embed(self, table, positions, ids):
        time = ids.shape[1]
        if positions in self.weights:
            where = self.weights[positions][:time]
        else:
            frequency = torch.exp(torch.arange(0, self.dim, 2) * (-math.log(10000.0) / self.dim))
            angle = torch.arange(time)[:, None] * frequency
            where = torch.stack([angle.sin(), angle.cos()], dim=-1).reshape(time, self.dim)
        return table[ids] * math.sqrt(self.dim) + where

    def logits(self, source, target):
        """source [batch, time] ends with 3 and is padded with 0; target [batch, time] begins with 2."""
        padding = source == 0
        causal = torch.nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        hidden = self.transformer(self.embed(self.source, "src_pos.weight", source),
                                  self.embed(self.target, "tgt_pos.weight", target), tgt_mask=causal,
                                  src_key_padding_mask=padding, memory_key_padding_mask=padding)
        return hidden @ self.output.T + self.weights["generator.bias"]


def compare(run):
    expected = read_safetensors(run / "expected.safetensors")
    with torch.no_grad():
        got = Translator(run / "last").logits(expected["source"].long(), expected["target_input"].long())
    real = torch.arange(got.shape[1])[None, :] < expected["target_lengths"][:, None]
    difference = (got - expected["logits"])[real].abs().max().item()
    good = difference <= BOUND  # so that NaN is not good
    print(f"{run.name:20} {int(real.sum())} rows of {got.shape[2]} logits, largest difference {difference:.1e}"
          f"  {'ok' if good else 'FAILED'}")
    return good


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "--load":
        Translator(arguments[1])
        print(f"{arguments[1]}: every weight found its place")
        return 0
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="tenfold-torch-") as folder:
        subprocess.run([arguments[0], folder], check=True)
        runs = sorted(path.parent for path in pathlib.Path(folder).glob("*/expected.safetensors"))
        results = [compare(run) for run in runs]
    return 0 if len(results) == 4 and all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
