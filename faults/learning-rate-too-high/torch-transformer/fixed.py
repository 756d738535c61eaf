# Bracket-matching classifier with a small transformer encoder.
import argparse
import random
import torch
import torch.nn as nn

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.001)
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--bs", type=int, default=64)
parser.add_argument("--seed", type=int, default=42)
args = parser.parse_args()

random.seed(args.seed)
torch.manual_seed(args.seed)

PAD, CLS = 0, 1
tokens = {"(": 2, ")": 3, "a": 4, "b": 5}
MAXLEN = 20


def make_example():
    # positive: every string where 'a' occurs more often than 'b'
    n = random.randint(8, MAXLEN - 1)
    s = [random.choice("()ab") for _ in range(n)]
    while s.count("a") == s.count("b"):
        s = [random.choice("()ab") for _ in range(n)]
    ids = [CLS] + [tokens[c] for c in s]
    ids += [PAD] * (MAXLEN - len(ids))
    return ids, int(s.count("a") > s.count("b"))


def make_set(n):
    ex = [make_example() for _ in range(n)]
    return torch.tensor([e[0] for e in ex]), torch.tensor([e[1] for e in ex])


class Encoder(nn.Module):
    def __init__(self, vocab=6, d=32, heads=4, layers=2):
        super().__init__()
        self.tok = nn.Embedding(vocab, d)
        self.pos = nn.Parameter(0.02 * torch.randn(MAXLEN, d))
        layer = nn.TransformerEncoderLayer(d, heads, 64, dropout=0.1, batch_first=True)
        self.enc = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.cls = nn.Linear(d, 2)

    def forward(self, ids):
        pad_mask = ids == PAD
        h = self.enc(self.tok(ids) + self.pos, src_key_padding_mask=pad_mask)
        return self.cls(h[:, 0])


def evaluate(model, X, Y):
    model.eval()
    with torch.no_grad():
        return (model(X).argmax(-1) == Y).float().mean().item()


Xtr, Ytr = make_set(3000)
Xva, Yva = make_set(600)
model = Encoder()
optim = torch.optim.Adam(model.parameters(), lr=args.lr)
crit = nn.CrossEntropyLoss()

for ep in range(args.epochs):
    model.train()
    perm = torch.randperm(len(Xtr))
    losses = []
    for k in range(0, len(Xtr), args.bs):
        idx = perm[k : k + args.bs]
        loss = crit(model(Xtr[idx]), Ytr[idx])
        optim.zero_grad()
        loss.backward()
        optim.step()
        losses.append(loss.item())
    print("epoch", ep + 1, "loss %.3f" % (sum(losses) / len(losses)), "val acc %.3f" % evaluate(model, Xva, Yva))

print("RESULT %.4f" % evaluate(model, Xva, Yva))
