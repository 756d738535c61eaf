"""GRU sequence-to-sequence model that learns to write a code in reverse order."""

import argparse
import random
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

BOS, EOS, FIRST = 0, 1, 2


@dataclass
class Config:
    symbols: int = 10
    length: int = 8
    dim: int = 48
    hidden: int = 128
    batch: int = 128
    steps: int = 950
    lr: float = 3e-3
    clip: float = 1.0
    seed: int = 7


def sample(n, cfg, gen):
    src = torch.randint(FIRST, FIRST + cfg.symbols, (n, cfg.length), generator=gen)
    out = src.flip(1)
    bos = torch.full((n, 1), BOS)
    eos = torch.full((n, 1), EOS)
    return src, torch.cat([bos, out], 1), torch.cat([out, eos], 1)


class Encoder(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.rnn = nn.GRU(cfg.dim, cfg.hidden, batch_first=True)
        self.bridge = nn.Linear(cfg.hidden, cfg.hidden)

    def forward(self, emb):
        _, h = self.rnn(emb)
        return torch.tanh(self.bridge(h))


class Decoder(nn.Module):
    def __init__(self, cfg, vocab):
        super().__init__()
        self.rnn = nn.GRU(cfg.dim, cfg.hidden, batch_first=True)
        self.out = nn.Sequential(nn.Linear(cfg.hidden, cfg.dim), nn.GELU(), nn.Linear(cfg.dim, vocab))

    def forward(self, emb, state):
        y, state = self.rnn(emb, state)
        return self.out(y), state


class Seq2Seq(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        vocab = FIRST + cfg.symbols
        self.embed = nn.Embedding(vocab, cfg.dim)
        self.encoder = Encoder(cfg)
        self.decoder = Decoder(cfg, vocab)

    def encode(self, src):
        # one pass over the source; the state is reused by every decoding step
        with torch.no_grad():
            return self.encoder(self.embed(src))

    def forward(self, src, tgt_in):
        state = self.encode(src)
        logits, _ = self.decoder(self.embed(tgt_in), state)
        return logits

    @torch.no_grad()
    def greedy(self, src, steps):
        state = self.encode(src)
        tok = torch.full((src.size(0), 1), BOS)
        out = []
        for _ in range(steps):
            logits, state = self.decoder(self.embed(tok), state)
            tok = logits.argmax(-1)
            out.append(tok)
        return torch.cat(out, 1)


class Trainer:
    def __init__(self, cfg):
        self.cfg = cfg
        self.model = Seq2Seq(cfg)
        no_decay = [p for n, p in self.model.named_parameters() if p.ndim < 2]
        decay = [p for n, p in self.model.named_parameters() if p.ndim >= 2]
        self.opt = torch.optim.AdamW(
            [{"params": decay, "weight_decay": 1e-4}, {"params": no_decay, "weight_decay": 0.0}], lr=cfg.lr
        )
        self.sched = torch.optim.lr_scheduler.OneCycleLR(self.opt, cfg.lr, total_steps=cfg.steps)
        self.gen = torch.Generator().manual_seed(cfg.seed)

    def fit(self):
        self.model.train()
        for step in range(self.cfg.steps):
            src, tgt_in, tgt_out = sample(self.cfg.batch, self.cfg, self.gen)
            logits = self.model(src, tgt_in)
            loss = F.cross_entropy(logits.flatten(0, 1), tgt_out.flatten())
            self.opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.cfg.clip)
            self.opt.step()
            self.sched.step()
            if step % 200 == 0:
                print(f"step {step} loss {loss.item():.3f}")

    def evaluate(self):
        self.model.eval()
        src, _, tgt = sample(1000, self.cfg, torch.Generator().manual_seed(99))
        pred = self.model.greedy(src, tgt.size(1))
        return (pred == tgt).float().mean().item()


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--steps", type=int, default=Config.steps)
    args = ap.parse_args()
    torch.set_num_threads(1)
    cfg = Config(steps=args.steps)
    random.seed(cfg.seed)
    torch.manual_seed(cfg.seed)
    trainer = Trainer(cfg)
    trainer.fit()
    print(f"RESULT {trainer.evaluate():.4f}")
