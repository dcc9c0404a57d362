#!/usr/bin/env python3
"""PyTorch doing what bench_engine does: the same model, ids and batches, timed the same way; prints one JSON object.

    peer.py train  FOLDER --size small --threads 2 --warm 3 --steps 6
    peer.py decode FOLDER --size small --threads 1 --batch 1 --sentences 24 --repeats 3
    peer.py train  FOLDER --size tiny --device cuda      on a card, with fused attention and Adam
    peer.py start  FOLDER            loads the libraries, builds `small`, makes two tokens, as one word and its end are

FOLDER is what `bench_engine prepare` made. The layers are written by hand, with one product for Q, K and V: that is faster
here than torch.nn.Transformer, and what it is compared with should be as fast as it can be. So should its surroundings:
bench.py sets the allocator to keep memory, and one pool of threads that does not spin.
"""
import argparse
import json
import math
import resource
import time

import numpy
import torch
import torch.nn.functional as F
from torch import nn

PAD, BOS, EOS = 0, 2, 3
VOCABULARY = 8000
MAX_LENGTH = 256
DROPOUT = 0.1
SMOOTHING = 0.1
SIZES = {"tiny": dict(dim=128, heads=4, inner=512, layers=2), "small": dict(dim=256, heads=8, inner=1024, layers=3)}


def linear(inputs, outputs):
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.dim, self.heads, self.head_dim = dim, heads, dim // heads
        self.scale = self.head_dim ** -0.5
        self.qkv, self.out = linear(dim, 3 * dim), linear(dim, dim)

    def split(self, x):
        """[batch, time, dim] as [batch, heads, time, head_dim]"""
        return x.view(x.shape[0], x.shape[1], self.heads, self.head_dim).transpose(1, 2)

    def project_query(self, x):
        return F.linear(x, self.qkv.weight[:self.dim], self.qkv.bias[:self.dim])

    def project_memory(self, memory):
        packed = F.linear(memory, self.qkv.weight[self.dim:], self.qkv.bias[self.dim:])
        return [self.split(part) for part in packed.split(self.dim, -1)]

    def attend(self, q, k, v, mask, causal=False):
        batch, heads, queries, width = q.shape
        if q.is_cuda:
            dropout = DROPOUT if self.training else 0.0
            mixed = F.scaled_dot_product_attention(q, k, v, mask, dropout, causal)
            return self.out(mixed.transpose(1, 2).reshape(batch, queries, self.dim))
        q, k, v = (x.reshape(batch * heads, -1, width) for x in (q, k, v))
        scores = torch.bmm(q, k.transpose(1, 2)).view(batch, heads, queries, -1) * self.scale
        if mask is not None:
            scores = scores + mask
        weights = F.dropout(scores.softmax(-1), DROPOUT, self.training)
        mixed = torch.bmm(weights.view(batch * heads, queries, -1), v).view(batch, heads, queries, width)
        return self.out(mixed.transpose(1, 2).reshape(batch, queries, self.dim))

    def self_attention(self, x, mask, causal=False):
        return self.attend(*(self.split(part) for part in self.qkv(x).split(self.dim, -1)), mask, causal)

    def cross_attention(self, x, memory, mask):
        return self.attend(self.split(self.project_query(x)), *self.project_memory(memory), mask)


class FeedForward(nn.Module):
    def __init__(self, dim, inner):
        super().__init__()
        self.first, self.second = linear(dim, inner), linear(inner, dim)

    def forward(self, x):
        return self.second(F.dropout(F.relu(self.first(x)), DROPOUT, self.training))


class EncoderLayer(nn.Module):
    def __init__(self, dim, heads, inner):
        super().__init__()
        self.attention, self.feed_forward = Attention(dim, heads), FeedForward(dim, inner)
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)


class DecoderLayer(EncoderLayer):
    def __init__(self, dim, heads, inner):
        super().__init__(dim, heads, inner)
        self.cross, self.norm3 = Attention(dim, heads), nn.LayerNorm(dim)


class Translator(nn.Module):
    """Pre-norm, sinusoidal positions, one table for both embeddings and the output layer, which has a bias."""

    def __init__(self, dim, heads, inner, layers):
        super().__init__()
        self.dim, self.heads = dim, heads
        self.table = nn.Embedding(VOCABULARY, dim)
        nn.init.normal_(self.table.weight, 0, dim ** -0.5)
        self.bias = nn.Parameter(torch.zeros(VOCABULARY))
        angle = torch.arange(MAX_LENGTH)[:, None] * torch.exp(torch.arange(0, dim, 2) * (-math.log(10000.0) / dim))
        self.register_buffer("positions", torch.stack([angle.sin(), angle.cos()], -1).reshape(MAX_LENGTH, dim))
        self.encoder = nn.ModuleList(EncoderLayer(dim, heads, inner) for _ in range(layers))
        self.decoder = nn.ModuleList(DecoderLayer(dim, heads, inner) for _ in range(layers))
        self.encoder_norm, self.decoder_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)

    def drop(self, x):
        return F.dropout(x, DROPOUT, self.training)

    def embed(self, ids, first=0):
        rows = self.table(ids) * math.sqrt(self.dim)
        return self.drop(rows + self.positions[first:first + ids.shape[1]])

    def encode(self, source):
        mask = torch.zeros(source.shape).masked_fill_(source == PAD, -1e9)[:, None, None, :]
        x = self.embed(source)
        for layer in self.encoder:
            x = x + self.drop(layer.attention.self_attention(layer.norm1(x), mask))
            x = x + self.drop(layer.feed_forward(layer.norm2(x)))
        return self.encoder_norm(x), mask

    def logits(self, x):
        return F.linear(self.decoder_norm(x), self.table.weight, self.bias)

    def forward(self, source, target):
        memory, mask = self.encode(source)
        causal = None if target.is_cuda else torch.full((target.shape[1], target.shape[1]), -1e9).triu_(1)
        x = self.embed(target)
        for layer in self.decoder:
            x = x + self.drop(layer.attention.self_attention(layer.norm1(x), causal, causal=True))
            x = x + self.drop(layer.cross.cross_attention(layer.norm2(x), memory, mask))
            x = x + self.drop(layer.feed_forward(layer.norm3(x)))
        return self.logits(x)

    def greedy(self, source, steps):
        """`steps` tokens per row, whatever they are; keys and values are kept."""
        memory, mask = self.encode(source)
        batch, width = source.shape[0], self.dim // self.heads
        crossed = [[part.contiguous() for part in layer.cross.project_memory(memory)] for layer in self.decoder]
        caches = [torch.empty(2, batch, self.heads, steps, width) for _ in self.decoder]
        token, out = torch.full((batch, 1), BOS), []
        for t in range(steps):
            x = self.embed(token, t)
            for layer, memory_kv, cache in zip(self.decoder, crossed, caches):
                a = layer.attention
                q, k, v = a.qkv(layer.norm1(x)).split(self.dim, -1)
                cache[0, :, :, t], cache[1, :, :, t] = k.view(batch, self.heads, width), v.view(batch, self.heads, width)
                x = x + self.look(a, q, cache[0, :, :, :t + 1], cache[1, :, :, :t + 1], None)
                x = x + self.look(layer.cross, layer.cross.project_query(layer.norm2(x)), *memory_kv, mask)
                x = x + layer.feed_forward(layer.norm3(x))
            token = self.logits(x[:, -1]).argmax(-1, keepdim=True)
            out.append(token)
        return torch.cat(out, 1)

    def look(self, attention, q, k, v, mask):
        """Attention of one query a row, which needs no copies."""
        batch = q.shape[0]
        if q.is_cuda:
            mixed = F.scaled_dot_product_attention(q.view(batch, self.heads, 1, -1), k, v, mask)
            return attention.out(mixed.view(batch, 1, self.dim))
        scores = torch.matmul(q.view(batch, self.heads, 1, -1), k.transpose(2, 3)) * attention.scale
        weights = (scores if mask is None else scores + mask).softmax(-1)
        return attention.out(torch.matmul(weights, v).view(batch, 1, self.dim))


def ids(path):
    with open(path) as lines:
        return [[int(word) for word in line.split()] for line in lines]


def pairs_of(folder, name):
    return list(zip(ids(f"{folder}/{name}.source"), ids(f"{folder}/{name}.target")))


def tensors(pairs, device):
    """Source with its end; target after bos; target with its end."""
    def padded(rows):
        table = numpy.zeros((len(rows), max(map(len, rows))), numpy.int64)
        for i, row in enumerate(rows):
            table[i, :len(row)] = row
        return torch.from_numpy(table).to(device)
    return (padded([s + [EOS] for s, _ in pairs]), padded([[BOS] + t for _, t in pairs]),
            padded([t + [EOS] for _, t in pairs]))


def train(model, a):
    pairs, batches = pairs_of(a.folder, "train"), ids(f"{a.folder}/batches")
    faster = dict(foreach=False) if a.device == "cpu" else dict(fused=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, betas=(0.9, 0.98), eps=1e-9, **faster)
    model.train()
    seconds, losses = [], []
    for batch in batches[:a.warm + a.steps]:
        start = time.perf_counter()
        source, target, wanted = tensors([pairs[i] for i in batch], a.device)
        loss = F.cross_entropy(model(source, target).view(-1, VOCABULARY), wanted.view(-1), ignore_index=PAD,
                               label_smoothing=SMOOTHING)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - start)
    peak = (torch.cuda.max_memory_reserved() / 2 ** 20 if a.device == "cuda" else
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return dict(seconds=seconds[a.warm:], peak_mb=peak, first_loss=losses[0],
                parameters=sum(p.numel() for p in model.parameters()))


def sample(pairs, count):
    """Those that bench_engine takes: spread over the text, short sources first."""
    count = min(count, len(pairs))
    return sorted((pairs[i * len(pairs) // count] for i in range(count)), key=lambda pair: len(pair[0]))


def decode(model, a):
    pairs = sample(pairs_of(a.folder, "valid"), a.sentences)
    model.eval()

    def run(some):
        for first in range(0, len(some), a.batch):
            source, _, wanted = tensors(some[first:first + a.batch], a.device)
            model.greedy(source, wanted.shape[1]).cpu()

    seconds = []
    with torch.no_grad():
        run(pairs[:max(a.batch, 4)])
        for _ in range(a.repeats):
            start = time.perf_counter()
            run(pairs)
            seconds.append(time.perf_counter() - start)
    return dict(seconds=seconds, sentences=len(pairs))


def start(model, a):
    model.eval()
    with torch.no_grad():
        model.greedy(torch.tensor([[4, 5, 6, 7, 8, 9, 10, EOS]]), 2)
    return {}


def main():
    modes = dict(train=train, decode=decode, start=start)
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=modes)
    parser.add_argument("folder")
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    for name, default in dict(threads=1, warm=3, steps=6, batch=32, sentences=192, repeats=3).items():
        parser.add_argument(f"--{name}", type=int, default=default)
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    torch.set_flush_denormal(True)
    if a.device != "cpu":
        torch.set_default_device(a.device)
    print(json.dumps(modes[a.mode](Translator(**SIZES[a.size]), a)), flush=True)


if __name__ == "__main__":
    main()
