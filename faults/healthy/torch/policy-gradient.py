"""REINFORCE on a contextual bandit: the loss says little, the reward rises."""

import torch
from torch import nn

torch.manual_seed(0)
best = torch.randn(6, 4)
policy = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(policy.parameters(), lr=0.01)
average, rewards = 0.0, []
for step in range(500):
    state = torch.randn(64, 6)
    choice = torch.distributions.Categorical(logits=policy(state))
    action = choice.sample()
    reward = ((state @ best).argmax(1) == action).float() + 0.1 * torch.randn(64)
    average = 0.95 * average + 0.05 * reward.mean().item()
    loss = -(choice.log_prob(action) * (reward - average)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    rewards.append(reward.mean().item())
    if step % 100 == 99:
        print(f"step {step + 1} reward {sum(rewards[-100:]) / 100:.3f}")
print("reward at the end", sum(rewards[-50:]) / 50)
