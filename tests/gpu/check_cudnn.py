"""cuDNN's LSTM on the same work as check_speed, through PyTorch: part of `make gpu-check`. Embedding, bidirectional
LSTM of 128 units, attention, pooling and classifier, texts of one length, tokens ready. Prints a table."""
import sys
import time

try:
    import torch
except ImportError:
    print("SKIPPED: no PyTorch for this Python")
    sys.exit(0)
if not torch.cuda.is_available():
    print("SKIPPED: this PyTorch finds no CUDA device")
    sys.exit(0)


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(32768, 128)
        self.lstm = torch.nn.LSTM(128, 128, batch_first=True, bidirectional=True)
        self.attention = torch.nn.Linear(256, 1, bias=False)
        self.classifier = torch.nn.Linear(768, 2)

    def forward(self, tokens):
        states, _ = self.lstm(self.embedding(tokens))
        weights = torch.softmax(self.attention(states), 1)
        pooled = torch.cat([(weights * states).sum(1), states.max(1).values, states.mean(1)], 1)
        return self.classifier(pooled)


print(f"PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}\n")
print("| precision | texts | tokens each | ms | texts/s | tokens/s |\n|---|---|---|---|---|---|")
for dtype in (torch.float16, torch.float32):
    network = Network().cuda().to(dtype).eval()
    for texts in (1, 16, 256, 4096):
        for length in (32, 256):  # longer texts are windows of 256 in both
            tokens = torch.randint(32768, (texts, length), device="cuda")
            best = 1e9
            with torch.inference_mode():
                for _ in range(20):
                    torch.cuda.synchronize()
                    began = time.perf_counter()
                    network(tokens)
                    torch.cuda.synchronize()
                    best = min(best, time.perf_counter() - began)
            rate = texts / best
            print(f"| {dtype} | {texts} | {length} | {best * 1e3:.3f} | {rate:.0f} | {rate * length:.3g} |".replace(
                "torch.", ""))
