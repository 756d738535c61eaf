import torch, torch.nn as nn, torch.nn.functional as F
from torch.func import stack_module_state, functional_call, vmap
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale
import copy

torch.manual_seed(0)
d = load_iris()
X = torch.tensor(scale(d.data)).float()
y = torch.tensor(d.target)
nets = [nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3)) for _ in range(5)]
params, buffers = stack_module_state(nets)
params = {k: v.detach().clone().requires_grad_() for k, v in params.items()}
base = copy.deepcopy(nets[0]).to("meta")
opt = torch.optim.Adam(params.values(), 1e-2)
f = lambda p, x: functional_call(base, p, (x,))
for i in range(150):
    out = vmap(f, in_dims=(0, None))(params, X)
    loss = F.cross_entropy(out.flatten(0, 1), y.repeat(5))
    opt.zero_grad()
    loss.backward()
    opt.step()
print("accuracy:", (out.mean(0).argmax(1) == y).float().mean().item())
