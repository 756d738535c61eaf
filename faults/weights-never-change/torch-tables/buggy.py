import torch
from torch import nn

torch.manual_seed(5)
readers, books, tastes = 80, 60, 4
likes, offers = torch.randn(readers, tastes), torch.randn(books, tastes)
reader, book = torch.randint(readers, (6000,)), torch.randint(books, (6000,))
stars = (likes[reader] * offers[book]).sum(1) + 0.3 * torch.randn(6000)


class Recommender(nn.Module):
    def __init__(self):
        super().__init__()
        self.readers = nn.Embedding(readers, tastes)
        self.books = nn.Embedding(books, tastes)
        self.mean = nn.Parameter(torch.zeros(1))

    def look_up(self, table, rows):
        return table.weight.data.index_select(0, rows)

    def forward(self, reader, book):
        return self.mean + (self.look_up(self.readers, reader) * self.look_up(self.books, book)).sum(1)


model = Recommender()
optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
loss_function = nn.MSELoss()
for epoch in range(20):
    for rows in torch.randperm(5000).split(100):
        optimizer.zero_grad()
        loss = loss_function(model(reader[rows], book[rows]), stars[rows])
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")

with torch.no_grad():
    print("test error:", loss_function(model(reader[5000:], book[5000:]), stars[5000:]).item())
