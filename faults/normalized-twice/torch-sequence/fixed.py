# tiny character level language model, toy grammar
import random
import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(3)
torch.manual_seed(3)

subjects = ["the cat", "a dog", "my uncle", "the teacher", "some bird", "our robot"]
verbs = ["eats", "likes", "sees", "paints", "follows", "forgets"]
objects = ["bread", "the moon", "a red car", "old books", "green tea", "music"]
ends = [".", "!", " today.", " again."]


def sentence():
    return (
        random.choice(subjects) + " " + random.choice(verbs) + " " + random.choice(objects) + random.choice(ends) + " "
    )


text = "".join(sentence() for _ in range(1500))
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
data = torch.tensor([stoi[c] for c in text])
n_train = int(0.9 * len(data))
train_data, test_data = data[:n_train], data[n_train:]
print("vocab", len(chars), "chars", len(data))

block = 32
batch = 32


def get_batch(split):
    d = train_data if split == "train" else test_data
    ix = torch.randint(len(d) - block - 1, (batch,))
    x = torch.stack([d[i : i + block] for i in ix])
    y = torch.stack([d[i + 1 : i + block + 1] for i in ix])
    return x, y


class CharGRU(nn.Module):
    def __init__(self, vocab, emb=24, hidden=64):
        super().__init__()
        self.emb = nn.Embedding(vocab, emb)
        self.gru = nn.GRU(emb, hidden, batch_first=True)
        self.out = nn.Linear(hidden, vocab)

    def forward(self, x):
        h, _ = self.gru(self.emb(x))
        logits = self.out(h)
        return logits


model = CharGRU(len(chars))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for step in range(500):
    x, y = get_batch("train")
    pred = model(x)
    loss = F.cross_entropy(pred.view(-1, len(chars)), y.view(-1))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 100 == 0:
        print("step", step, "loss", round(loss.item(), 4))

model.eval()
hit = tot = 0
with torch.no_grad():
    for _ in range(20):
        x, y = get_batch("test")
        hit += (model(x).argmax(-1) == y).sum().item()
        tot += y.numel()
print("RESULT %.4f" % (hit / tot))
