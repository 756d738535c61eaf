import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(4)
USERS, MOVIES, RATINGS = 300, 200, 9000


def made_up_ratings():
    """From one to five stars: some people are generous, some movies are good, and people have tastes."""
    taste, genre = torch.randn(USERS, 3), torch.randn(MOVIES, 3)
    user, movie = torch.randint(USERS, (RATINGS,)), torch.randint(MOVIES, (RATINGS,))
    stars = 3.4 + 0.5 * torch.randn(USERS)[user] + 0.5 * torch.randn(MOVIES)[movie]
    stars = stars + 0.4 * (taste[user] * genre[movie]).sum(dim=1) + 0.2 * torch.randn(RATINGS)
    return TensorDataset(user, movie, stars.clamp(1, 5))


class Recommender(nn.Module):
    def __init__(self, factors=48):
        super().__init__()
        self.user = nn.Embedding(USERS, factors)
        self.movie = nn.Embedding(MOVIES, factors)
        self.user_bias = nn.Embedding(USERS, 1)
        self.movie_bias = nn.Embedding(MOVIES, 1)
        self.reset()

    def reset(self):
        for table in (self.user, self.movie):
            nn.init.normal_(table.weight, std=0.05)
        for bias in (self.user_bias, self.movie_bias):
            nn.init.zeros_(bias.weight)

    def forward(self, user, movie):
        match = (self.user(user) * self.movie(movie)).sum(dim=1)
        return 3 + match + self.user_bias(user).squeeze(1) + self.movie_bias(movie).squeeze(1)


train, test = random_split(made_up_ratings(), [8000, 1000])
model = Recommender()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(12):
    for user, movie, stars in DataLoader(train, batch_size=100, shuffle=True):
        loss = F.mse_loss(model(user, movie), stars)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        user, movie, stars = test[:]
        error = F.mse_loss(model(user, movie), stars).item()
    print(f"epoch {epoch + 1}: training {loss.item():.3f}, test {error:.3f}")
print("share of the variance explained", 1 - error / stars.var().item())
