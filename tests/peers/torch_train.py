#!/usr/bin/env python3
"""torch_train.py: the same models trained by PyTorch and by ablate, in turns, on this machine.

Optional: nothing else needs it. With a Python that has PyTorch, from the repository's root:
  python3 tests/peers/torch_train.py --models A,B --precision fp32
  python3 tests/peers/torch_train.py --attention
A round is PyTorch eager, PyTorch compiled and `ablate bench`, one after the other with the same threads; medians over the rounds
are printed, so that a machine whose speed drifts moves all alike. The models are checked to have as many parameters as ablate's.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

VOCAB = 256
PLAIN = {"ffn": "gelu", "norm": "layernorm", "position": "learned"}
GATED = {"ffn": "swiglu", "norm": "rmsnorm", "position": "rope"}
MODELS = {
    "A": dict(layers=4, width=256, heads=8, time=256, batch=8, **PLAIN),
    "B": dict(layers=2, width=128, heads=4, time=128, batch=16, **PLAIN),
    "C": dict(layers=6, width=384, heads=6, time=256, batch=8, **GATED),
    "D": dict(layers=4, width=256, heads=8, time=1024, batch=4, **PLAIN),
}
AUTOCAST = {"fp32": False, "bf16": True}


def settings(model, precision):
    """The run that is this model, as arguments of ablate."""
    pairs = {
        "model.n_layer": model["layers"], "model.d_model": model["width"], "model.n_head": model["heads"],
        "model.seq_len": model["time"], "model.vocab": VOCAB, "train.batch": model["batch"], "train.clip": 1,
        "ffn": model["ffn"], "norm": model["norm"], "position": model["position"], "precision": precision,
        "optimizer": "adamw(weight_decay=0.1)",
    }
    return [word for key, value in pairs.items() for word in ("--set", f"{key}={value}")]


def ablate(program, *arguments):
    """The objects that a command prints, one a line; None where it refuses."""
    done = subprocess.run([program, *arguments, "--json"], capture_output=True, text=True)
    if done.returncode:
        print(done.stderr.strip(), file=sys.stderr)
        return None
    return [json.loads(line) for line in done.stdout.splitlines()]


def rotate(x):
    """Rotary embedding of [batch, heads, time, head_dim], halves rotated."""
    time_steps, half = x.shape[-2], x.shape[-1] // 2
    rates = 10000.0 ** (-torch.arange(half) / half)
    angles = torch.arange(time_steps)[:, None] * rates
    a, b = x[..., :half], x[..., half:]
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def norm(model):
    if model["norm"] == "rmsnorm":
        return nn.RMSNorm(model["width"], eps=1e-6)
    return nn.LayerNorm(model["width"], eps=1e-5, bias=False)


class Block(nn.Module):
    def __init__(self, model):
        super().__init__()
        width, self.model = model["width"], model
        gated = model["ffn"] == "swiglu"
        inner = round((8 / 3 if gated else 4) * width / 8) * 8
        self.norms = nn.ModuleList(norm(model) for _ in range(2))
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, inner, bias=False)
        self.gate = nn.Linear(width, inner, bias=False) if gated else None
        self.down = nn.Linear(inner, width, bias=False)

    def forward(self, x):
        batch, steps, width = x.shape
        q, k, v = (part.view(batch, steps, self.model["heads"], -1).transpose(1, 2)
                   for part in self.qkv(self.norms[0](x)).chunk(3, -1))
        if self.model["position"] == "rope":
            q, k = rotate(q), rotate(k)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(seen.transpose(1, 2).reshape(batch, steps, width))
        y = self.norms[1](x)
        inner = F.silu(self.gate(y)) * self.up(y) if self.gate else F.gelu(self.up(y))
        return x + self.down(inner)


class Model(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, model["width"])
        self.positions = nn.Embedding(model["time"], model["width"]) if model["position"] == "learned" else None
        self.blocks = nn.ModuleList(Block(model) for _ in range(model["layers"]))
        self.norm = norm(model)

    def forward(self, tokens, targets):
        x = self.embed(tokens)
        if self.positions:
            x = x + self.positions.weight
        for block in self.blocks:
            x = block(x)
        logits = F.linear(self.norm(x), self.embed.weight)  # tied
        return F.cross_entropy(logits.view(-1, VOCAB).float(), targets.view(-1))


class Trainer:
    """Steps of one model: forward, backward, clipping at 1, AdamW with decay of matrices alone."""

    def __init__(self, model, precision, compiled):
        torch.manual_seed(1)
        self.net, self.autocast = Model(model), AUTOCAST[precision]
        self.call = torch.compile(self.net) if compiled else self.net
        parameters = list(self.net.parameters())
        groups = [{"params": [p for p in parameters if p.dim() > 1], "weight_decay": 0.1},
                  {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), eps=1e-8, fused=True)
        self.tokens, self.targets = torch.randint(VOCAB, (2, model["batch"], model["time"]))

    def parameter_count(self):
        return sum(p.numel() for p in self.net.parameters())

    def step(self):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.autocast):
            loss = self.call(self.tokens, self.targets)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()

    def tokens_per_s(self, seconds):
        begin, steps = time.perf_counter(), 0
        while steps == 0 or time.perf_counter() - begin < seconds:
            self.step()
            steps += 1
        return steps * self.tokens.numel() / (time.perf_counter() - begin)


def compiled_trainer(model, precision):
    """None, with the reason printed, where this machine cannot compile."""
    try:
        trainer = Trainer(model, precision, True)
        trainer.step()
        return trainer
    except Exception as trouble:  # a missing compiler, headers or backend shows in many ways
        print(f"torch.compile does not work here: {str(trouble).splitlines()[0]}", file=sys.stderr)
        return None


def check_parameters(options, model, trainer):
    facts = ablate(options.ablate, "train", *settings(model, "fp32"), "--set", "train.steps=1", "--set",
                   "data=prose(bytes=262144)")
    assert facts, "ablate does not train this model"
    assert facts[0]["parameters"] == trainer.parameter_count(), (facts[0]["parameters"], trainer.parameter_count())


def compare_training(options, name, precision):
    model = MODELS[name]
    ways = {"eager": Trainer(model, precision, False), "compiled": compiled_trainer(model, precision)}
    check_parameters(options, model, ways["eager"])
    ways["eager"].step()
    rates = {"eager": [], "compiled": [], "ablate": []}
    for _ in range(options.rounds):
        for way, trainer in ways.items():
            if trainer:
                rates[way].append(trainer.tokens_per_s(options.seconds))
        rows = ablate(options.ablate, "bench", "train", "--threads", str(options.threads), "--seconds", str(options.seconds),
                      *settings(model, precision))
        if rows:
            rates["ablate"].append(rows[0]["tokens_per_s"])
    row = {"model": name, "precision": precision}
    row.update({way: statistics.median(values) if values else None for way, values in rates.items()})
    row["better"] = max(row["eager"], row["compiled"] or 0)
    row["ratio"] = row["ablate"] / row["better"] if row["ablate"] else None
    return row


def attention_seconds(dtype, head_dim, length, seconds):
    q, k, v = (torch.randn(1, 8, length, head_dim, dtype=dtype, requires_grad=True) for _ in range(3))
    gradient = torch.randn(1, 8, length, head_dim, dtype=dtype)
    taken, begin = [], time.perf_counter()
    while len(taken) < 2 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        F.scaled_dot_product_attention(q, k, v, is_causal=True).backward(gradient)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def compare_attention(options, precision, head_dim, length):
    """6 products over visible pairs: 2 forward, 4 backward; what is computed again is not counted. Ours is timed in fp32 alone."""
    dtype = torch.bfloat16 if AUTOCAST[precision] else torch.float32
    flops = 6 * 2 * head_dim * 8 * length * (length + 1) / 2
    theirs, ours = [], []
    for _ in range(options.rounds):
        theirs.append(attention_seconds(dtype, head_dim, length, options.seconds))
        rows = precision == "fp32" and ablate(options.ablate, "bench", "attention", "--threads", str(options.threads),
                                              "--attention", "full", "--seq", str(length), "--head-dim", str(head_dim))
        if rows:
            ours.append(rows[0]["seconds"])
    row = {"head_dim": head_dim, "seq_len": length, "precision": precision, "torch_seconds": statistics.median(theirs)}
    row["torch_gflops"] = flops / row["torch_seconds"] / 1e9
    row["ablate_seconds"] = statistics.median(ours) if ours else None
    row["ablate_gflops"] = flops / row["ablate_seconds"] / 1e9 if ours else None
    row["ratio"] = row["torch_seconds"] / row["ablate_seconds"] if ours else None
    return row


def cpu_name():
    with open("/proc/cpuinfo") as lines:
        return next((line.split(": ")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def show(row, as_json, first):
    if as_json:
        print(json.dumps(row), flush=True)
        return
    if first:
        print("  ".join(f"{key:>14}" for key in row))
    words = ("-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values())
    print("  ".join(f"{word:>14}" for word in words), flush=True)


def main():
    parser = argparse.ArgumentParser(description="PyTorch and ablate in turns on the same models; tokens/s, medians.")
    parser.add_argument("--models", default="A,B,C,D")
    parser.add_argument("--precision", default="fp32,bf16")
    parser.add_argument("--attention", action="store_true", help="attention alone, forward and backward")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4, help="of each of the ways in a round")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--ablate", default="./ablate", help="the program")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{cpu_name()}, {options.threads} threads, PyTorch {torch.__version__}, Python {platform.python_version()}",
          file=sys.stderr)
    first = True
    for precision in options.precision.split(","):
        if options.attention:
            rows = (compare_attention(options, precision, head_dim, length) for head_dim in (32, 64) for length in (2048, 8192))
        else:
            rows = (compare_training(options, name, precision) for name in options.models.split(","))
        for row in rows:
            show(row, options.json, first)
            first = False


if __name__ == "__main__":
    main()
