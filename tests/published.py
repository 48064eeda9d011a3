"""PyTorch models as people publish them, each from the page it is named after; smaller where that page lets its sizes be chosen.

`PUBLISHED` are read and derived; `REFUSED` are not, each with what is said.  Nothing here was written for the reader of models.
"""

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Published:
    """A model, an example for it, where it was published, and the loss that is put behind it, if one is."""

    source: str
    build: object
    example: object
    loss: str | None = None
    options: dict = field(default_factory=dict)


def floats(*shape):
    return lambda: (torch.randn(shape),)


def places(most, *shape):
    return lambda: (torch.randint(0, most, shape),)


class NeuralNetwork(nn.Module):
    """PyTorch, "Learn the Basics: Quickstart" (512 hidden units there)."""

    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(
            nn.Linear(28*28, 512),
            nn.ReLU(),
            nn.Linear(512, 512),
            nn.ReLU(),
            nn.Linear(512, 10)
        )  # fmt: skip

    def forward(self, x):
        x = self.flatten(x)
        logits = self.linear_relu_stack(x)
        return logits


class LeNet(nn.Module):
    """PyTorch, "Neural Networks" in the 60 minute blitz."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, input):
        c1 = F.relu(self.conv1(input))
        s2 = F.max_pool2d(c1, (2, 2))
        c3 = F.relu(self.conv2(s2))
        s4 = F.max_pool2d(c3, 2)
        s4 = torch.flatten(s4, 1)
        f5 = F.relu(self.fc1(s4))
        f6 = F.relu(self.fc2(f5))
        output = self.fc3(f6)
        return output


class Autoencoder(nn.Module):
    """An autoencoder of MNIST digits as it stands in many courses (GeeksforGeeks, "Implementing an Autoencoder in PyTorch")."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(28 * 28, 128),
            nn.ReLU(),
            nn.Linear(128, 64),
            nn.ReLU(),
            nn.Linear(64, 36),
            nn.ReLU(),
            nn.Linear(36, 18),
            nn.ReLU(),
            nn.Linear(18, 9)
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Linear(9, 18),
            nn.ReLU(),
            nn.Linear(18, 36),
            nn.ReLU(),
            nn.Linear(36, 64),
            nn.ReLU(),
            nn.Linear(64, 128),
            nn.ReLU(),
            nn.Linear(128, 28 * 28),
            nn.Sigmoid()
        )  # fmt: skip

    def forward(self, x):
        encoded = self.encoder(x)
        decoded = self.decoder(encoded)
        return decoded


class CharRNN(nn.Module):
    """PyTorch, "NLP From Scratch: Classifying Names with a Character-Level RNN"."""

    def __init__(self, input_size, hidden_size, output_size):
        super().__init__()
        self.rnn = nn.RNN(input_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, line_tensor):
        rnn_out, hidden = self.rnn(line_tensor)
        output = self.h2o(hidden[0])
        output = self.softmax(output)
        return output


class OldCharRNN(nn.Module):
    """The same tutorial before 2024: a cell written by hand, with the state as a second input."""

    def __init__(self, input_size, hidden_size, output_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size, hidden_size)
        self.h2h = nn.Linear(hidden_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, input, hidden):
        hidden = F.tanh(self.i2h(input) + self.h2h(hidden))
        output = self.h2o(hidden)
        output = self.softmax(output)
        return output, hidden


class GeneratingRNN(nn.Module):
    """PyTorch, "NLP From Scratch: Generating Names with a Character-Level RNN"."""

    def __init__(self, n_categories, input_size, hidden_size, output_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(n_categories + input_size + hidden_size, hidden_size)
        self.i2o = nn.Linear(n_categories + input_size + hidden_size, output_size)
        self.o2o = nn.Linear(hidden_size + output_size, output_size)
        self.dropout = nn.Dropout(0.1)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, category, input, hidden):
        input_combined = torch.cat((category, input, hidden), 1)
        hidden = self.i2h(input_combined)
        output = self.i2o(input_combined)
        output_combined = torch.cat((hidden, output), 1)
        output = self.o2o(output_combined)
        output = self.dropout(output)
        output = self.softmax(output)
        return output, hidden


class NGramLanguageModeler(nn.Module):
    """PyTorch, "Word Embeddings: Encoding Lexical Semantics"."""

    def __init__(self, vocab_size, embedding_dim, context_size):
        super().__init__()
        self.embeddings = nn.Embedding(vocab_size, embedding_dim)
        self.linear1 = nn.Linear(context_size * embedding_dim, 128)
        self.linear2 = nn.Linear(128, vocab_size)

    def forward(self, inputs):
        embeds = self.embeddings(inputs).view((1, -1))
        out = F.relu(self.linear1(embeds))
        out = self.linear2(out)
        log_probs = F.log_softmax(out, dim=1)
        return log_probs


class LSTMTagger(nn.Module):
    """PyTorch, "Sequence Models and Long Short-Term Memory Networks"."""

    def __init__(self, embedding_dim, hidden_dim, vocab_size, tagset_size):
        super().__init__()
        self.hidden_dim = hidden_dim
        self.word_embeddings = nn.Embedding(vocab_size, embedding_dim)
        self.lstm = nn.LSTM(embedding_dim, hidden_dim)
        self.hidden2tag = nn.Linear(hidden_dim, tagset_size)

    def forward(self, sentence):
        embeds = self.word_embeddings(sentence)
        lstm_out, _ = self.lstm(embeds.view(len(sentence), 1, -1))
        tag_space = self.hidden2tag(lstm_out.view(len(sentence), -1))
        tag_scores = F.log_softmax(tag_space, dim=1)
        return tag_scores


class LSTMClassifier(nn.Module):
    """A sentiment classifier as in many courses: embedding, LSTM, the last state, a linear layer and a sigmoid."""

    def __init__(self, vocab_size, embedding_dim, hidden_dim, output_dim):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_dim)
        self.lstm = nn.LSTM(embedding_dim, hidden_dim, batch_first=True)
        self.fc = nn.Linear(hidden_dim, output_dim)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x):
        x = self.embedding(x)
        out, (hn, cn) = self.lstm(x)
        out = self.fc(out[:, -1, :])
        return self.sigmoid(out)


class GRUNet(nn.Module):
    """FloydHub, "Gated Recurrent Unit (GRU) With PyTorch"; the first state is all zeros."""

    def __init__(self, input_dim, hidden_dim, output_dim, n_layers, drop_prob=0.0):
        super().__init__()
        self.hidden_dim = hidden_dim
        self.n_layers = n_layers
        self.gru = nn.GRU(input_dim, hidden_dim, n_layers, batch_first=True, dropout=drop_prob)
        self.fc = nn.Linear(hidden_dim, output_dim)
        self.relu = nn.ReLU()

    def forward(self, x, h):
        out, h = self.gru(x, h)
        out = self.fc(self.relu(out[:, -1]))
        return out, h


class CBOW(nn.Module):
    """A continuous bag of words (the exercise of the PyTorch tutorial on embeddings, as it is commonly solved)."""

    def __init__(self, vocab_size, embedding_dim):
        super().__init__()
        self.embeddings = nn.Embedding(vocab_size, embedding_dim)
        self.linear1 = nn.Linear(embedding_dim, 128)
        self.activation_function1 = nn.ReLU()
        self.linear2 = nn.Linear(128, vocab_size)
        self.activation_function2 = nn.LogSoftmax(dim=-1)

    def forward(self, inputs):
        embeds = sum(self.embeddings(inputs)).view(1, -1)
        out = self.linear1(embeds)
        out = self.activation_function1(out)
        out = self.linear2(out)
        out = self.activation_function2(out)
        return out


class TextCNN(nn.Module):
    """Kim 2014, as in Shawn1993/cnn-text-classification-pytorch."""

    def __init__(self, vocabulary, dimension, classes, channels, kernels):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, dimension)
        self.convs = nn.ModuleList([nn.Conv2d(1, channels, (K, dimension)) for K in kernels])
        self.dropout = nn.Dropout(0.5)
        self.fc1 = nn.Linear(len(kernels) * channels, classes)

    def forward(self, x):
        x = self.embed(x)
        x = x.unsqueeze(1)
        x = [F.relu(conv(x)).squeeze(3) for conv in self.convs]
        x = [F.max_pool1d(i, i.size(2)).squeeze(2) for i in x]
        x = torch.cat(x, 1)
        x = self.dropout(x)
        logit = self.fc1(x)
        return logit


class BasicBlock(nn.Module):
    """torchvision's ResNet: a basic block."""

    def __init__(self, inplanes, planes, stride=1, downsample=None):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x):
        identity = x
        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)
        out = self.conv2(out)
        out = self.bn2(out)
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        out = self.relu(out)
        return out


def down_block():
    """A basic block that halves the image, with the shortcut that goes with it."""
    return BasicBlock(2, 3, 2, nn.Sequential(nn.Conv2d(2, 3, kernel_size=1, stride=2, bias=False), nn.BatchNorm2d(3)))


def double_convolution(before, after):
    """The step of a U-Net (Ronneberger, Fischer and Brox 2015), padded and with the batch normalisation that is usual now."""
    layers = []
    for channels in (before, after):
        layers += [nn.Conv2d(channels, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class Residual(nn.Module):
    """lucidrains/mlp-mixer-pytorch: a layer with its normalisation before it and a way round it."""

    def __init__(self, dim, fn):
        super().__init__()
        self.fn = fn
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        return self.fn(self.norm(x)) + x


def mixer_block(dim=4, patches=3, expansion=2, token=0.5):
    """One block of lucidrains/mlp-mixer-pytorch: over patches by convolutions of length 1, then over channels."""

    def feed_forward(size, factor, dense):
        inner = int(size * factor)
        return nn.Sequential(dense(size, inner), nn.GELU(), nn.Dropout(0.0), dense(inner, size), nn.Dropout(0.0))

    def chan_first(into, out):
        return nn.Conv1d(into, out, kernel_size=1)

    return nn.Sequential(
        Residual(dim, feed_forward(patches, expansion, chan_first)), Residual(dim, feed_forward(dim, token, nn.Linear))
    )


class VAE(nn.Module):
    """pytorch/examples: the variational autoencoder, with its loss."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 400)
        self.fc21 = nn.Linear(400, 20)
        self.fc22 = nn.Linear(400, 20)
        self.fc3 = nn.Linear(20, 400)
        self.fc4 = nn.Linear(400, 784)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5*logvar)
        eps = torch.randn_like(std)
        return mu + eps*std

    def decode(self, z):
        h3 = F.relu(self.fc3(z))
        return torch.sigmoid(self.fc4(h3))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 784))
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


class SelfAttention(nn.Module):
    """Raschka, "Understanding and Coding the Self-Attention Mechanism": one head."""

    def __init__(self, d_in, d_out_kq, d_out_v):
        super().__init__()
        self.d_out_kq = d_out_kq
        self.W_query = nn.Parameter(torch.rand(d_in, d_out_kq))
        self.W_key = nn.Parameter(torch.rand(d_in, d_out_kq))
        self.W_value = nn.Parameter(torch.rand(d_in, d_out_v))

    def forward(self, x):
        keys = x @ self.W_key
        queries = x @ self.W_query
        values = x @ self.W_value
        attn_scores = queries @ keys.T
        attn_weights = torch.softmax(attn_scores / self.d_out_kq**0.5, dim=-1)
        context_vec = attn_weights @ values
        return context_vec


class MnistNet(nn.Module):
    """pytorch/examples, mnist/main.py."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = self.conv1(x)
        x = F.relu(x)
        x = self.conv2(x)
        x = F.relu(x)
        x = F.max_pool2d(x, 2)
        x = self.dropout1(x)
        x = torch.flatten(x, 1)
        x = self.fc1(x)
        x = F.relu(x)
        x = self.dropout2(x)
        x = self.fc2(x)
        output = F.log_softmax(x, dim=1)
        return output


def dcgan_generator(nz=5, ngf=2, nc=2):
    """The first two blocks and the last of the generator in PyTorch's DCGAN tutorial."""
    return nn.Sequential(
        nn.ConvTranspose2d(nz, ngf * 2, 4, 1, 0, bias=False),
        nn.BatchNorm2d(ngf * 2),
        nn.ReLU(True),
        nn.ConvTranspose2d(ngf * 2, nc, 4, 2, 1, bias=False),
        nn.Tanh()
    )  # fmt: skip


class PositionalEncoding(nn.Module):
    """PyTorch, "Language Modeling with nn.Transformer": a table of sines is added."""

    def __init__(self, d_model, dropout=0.1, max_len=50):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(max_len, 1, d_model)
        pe[:, 0, 0::2] = torch.sin(position * div_term)
        pe[:, 0, 1::2] = torch.cos(position * div_term)
        self.register_buffer('pe', pe)

    def forward(self, x):
        x = x + self.pe[:x.size(0)]
        return self.dropout(x)


class CausalSelfAttention(nn.Module):
    """karpathy/nanoGPT, model.py, the branch without flash attention; dropout 0."""

    def __init__(self, n_embd, n_head, block_size, bias=True):
        super().__init__()
        self.c_attn = nn.Linear(n_embd, 3 * n_embd, bias=bias)
        self.c_proj = nn.Linear(n_embd, n_embd, bias=bias)
        self.n_head = n_head
        self.n_embd = n_embd
        self.register_buffer("bias", torch.tril(torch.ones(block_size, block_size)).view(1, 1, block_size, block_size))

    def forward(self, x):
        B, T, C = x.size()
        q, k, v = self.c_attn(x).split(self.n_embd, dim=2)
        k = k.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        q = q.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        v = v.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        att = att.masked_fill(self.bias[:, :, :T, :T] == 0, float('-inf'))
        att = F.softmax(att, dim=-1)
        y = att @ v
        y = y.transpose(1, 2).contiguous().view(B, T, C)
        y = self.c_proj(y)
        return y


class Fire(nn.Module):
    """torchvision's SqueezeNet: a fire module."""

    def __init__(self, inplanes, squeeze_planes, expand1x1_planes, expand3x3_planes):
        super().__init__()
        self.inplanes = inplanes
        self.squeeze = nn.Conv2d(inplanes, squeeze_planes, kernel_size=1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeeze_planes, expand1x1_planes, kernel_size=1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeeze_planes, expand3x3_planes, kernel_size=3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.squeeze_activation(self.squeeze(x))
        return torch.cat(
            [self.expand1x1_activation(self.expand1x1(x)), self.expand3x3_activation(self.expand3x3(x))], 1
        )


class SELayer(nn.Module):
    """moskomule/senet.pytorch: squeeze and excitation."""

    def __init__(self, channel, reduction=16):
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(
            nn.Linear(channel, channel // reduction, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(channel // reduction, channel, bias=False),
            nn.Sigmoid()
        )  # fmt: skip

    def forward(self, x):
        b, c, _, _ = x.size()
        y = self.avg_pool(x).view(b, c)
        y = self.fc(y).view(b, c, 1, 1)
        return x * y.expand_as(x)


class ResNetStem(nn.Module):
    """How torchvision's ResNets begin and end, with no block between."""

    def __init__(self, planes=2, num_classes=3):
        super().__init__()
        self.conv1 = nn.Conv2d(3, planes, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(planes, num_classes)

    def forward(self, x):
        x = self.conv1(x)
        x = self.bn1(x)
        x = self.relu(x)
        x = self.maxpool(x)
        x = self.avgpool(x)
        x = torch.flatten(x, 1)
        x = self.fc(x)
        return x


class BahdanauAttention(nn.Module):
    """PyTorch, "NLP From Scratch: Translation with a Sequence to Sequence Network and Attention"."""

    def __init__(self, hidden_size):
        super().__init__()
        self.Wa = nn.Linear(hidden_size, hidden_size)
        self.Ua = nn.Linear(hidden_size, hidden_size)
        self.Va = nn.Linear(hidden_size, 1)

    def forward(self, query, keys):
        scores = self.Va(torch.tanh(self.Wa(query) + self.Ua(keys)))
        scores = scores.squeeze(2).unsqueeze(1)

        weights = F.softmax(scores, dim=-1)
        context = torch.bmm(weights, keys)

        return context, weights


class RNNModel(nn.Module):
    """pytorch/examples, word_language_model, with tied weights and without its dropout."""

    def __init__(self, ntoken, ninp, nhid, nlayers):
        super().__init__()
        self.ntoken = ntoken
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.LSTM(ninp, nhid, nlayers)
        self.decoder = nn.Linear(nhid, ntoken)
        self.decoder.weight = self.encoder.weight

    def forward(self, input, hidden, cell):
        emb = self.encoder(input)
        output, hidden = self.rnn(emb, (hidden, cell))
        decoded = self.decoder(output)
        decoded = decoded.view(-1, self.ntoken)
        return F.log_softmax(decoded, dim=1), hidden


class BiLSTM(nn.Module):
    """A tagger that reads both ways, as in many courses."""

    def __init__(self, vocab_size, embedding_dim, hidden_dim, tagset_size):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_dim)
        self.lstm = nn.LSTM(embedding_dim, hidden_dim, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(hidden_dim * 2, tagset_size)

    def forward(self, x):
        embedded = self.embedding(x)
        output, _ = self.lstm(embedded)
        return self.fc(output)


class EarlyExit(nn.Module):
    """A branch that the data decide, as adaptive-computation models have it."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x):
        y = self.first(x)
        if y.mean() > 0:
            return y
        return self.second(y)


PUBLISHED = {
    "quickstart MLP": Published("PyTorch, Quickstart", NeuralNetwork, floats(2, 1, 28, 28), "cross_entropy"),
    "LeNet": Published("PyTorch, 60 minute blitz", LeNet, floats(1, 1, 32, 32)),
    "MNIST example": Published("pytorch/examples, mnist", MnistNet, floats(1, 1, 28, 28)),
    "autoencoder": Published("GeeksforGeeks", Autoencoder, floats(2, 784), "mse"),
    "VAE": Published("pytorch/examples, vae", VAE, floats(2, 1, 28, 28)),
    "character RNN": Published("PyTorch, NLP from scratch", lambda: CharRNN(58, 128, 18), floats(5, 1, 58)),
    "character RNN by hand": Published(
        "PyTorch, NLP from scratch (2017)", lambda: OldCharRNN(58, 128, 18), lambda: (torch.randn(1, 58), torch.randn(1, 128))
    ),
    "generating RNN": Published(
        "PyTorch, NLP from scratch",
        lambda: GeneratingRNN(18, 59, 128, 59),
        lambda: (torch.randn(1, 18), torch.randn(1, 59), torch.randn(1, 128)),
    ),
    "n-gram model": Published("PyTorch, Word Embeddings", lambda: NGramLanguageModeler(97, 10, 2), places(97, 2)),
    "bag of words": Published("PyTorch, Word Embeddings", lambda: CBOW(49, 100), places(49, 4)),
    "LSTM tagger": Published("PyTorch, Sequence Models", lambda: LSTMTagger(6, 6, 9, 3), places(9, 5)),
    "LSTM classifier": Published("many courses", lambda: LSTMClassifier(50, 8, 6, 1), places(50, 3, 7), "bce"),
    "GRU": Published(
        "FloydHub", lambda: GRUNet(5, 4, 2, 2), lambda: (torch.randn(3, 6, 5), torch.zeros(2, 3, 4))
    ),
    "text CNN": Published("Kim 2014", lambda: TextCNN(50, 6, 2, 4, (2, 3)), places(50, 2, 9), "cross_entropy"),
    "ResNet block": Published("torchvision", lambda: BasicBlock(4, 4), floats(2, 4, 6, 5)),
    "ResNet block, halving": Published("torchvision", down_block, floats(2, 2, 6, 6)),
    "U-Net block": Published("Ronneberger 2015", lambda: double_convolution(2, 3), floats(2, 2, 5, 6)),
    "MLP-mixer block": Published("lucidrains/mlp-mixer-pytorch", mixer_block, floats(2, 3, 4)),
    "DCGAN generator": Published("PyTorch, DCGAN", dcgan_generator, floats(2, 5, 1, 1)),
    "self-attention": Published("Raschka", lambda: SelfAttention(16, 24, 28), floats(6, 16)),
    "transformer block": Published(
        "torch.nn", lambda: nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, batch_first=True), floats(2, 5, 16)
    ),
    "positional encoding": Published("PyTorch, nn.Transformer", lambda: PositionalEncoding(6), floats(4, 2, 6)),
    "causal attention": Published("karpathy/nanoGPT", lambda: CausalSelfAttention(8, 2, 10), floats(2, 5, 8)),
    "SqueezeNet fire module": Published("torchvision", lambda: Fire(3, 2, 2, 3), floats(2, 3, 4, 5)),
    "squeeze and excitation": Published("moskomule/senet.pytorch", lambda: SELayer(4, 2), floats(2, 4, 3, 5)),
    "ResNet stem": Published("torchvision", ResNetStem, floats(2, 3, 16, 16)),
    "Bahdanau attention": Published(
        "PyTorch, NLP from scratch", lambda: BahdanauAttention(6), lambda: (torch.randn(2, 1, 6), torch.randn(2, 5, 6))
    ),
    "word language model": Published(
        "pytorch/examples",
        lambda: RNNModel(7, 4, 4, 1),
        lambda: (torch.randint(0, 7, (3, 2)), torch.randn(1, 2, 4), torch.randn(1, 2, 4)),
    ),
    "bidirectional LSTM": Published("many courses", lambda: BiLSTM(9, 4, 3, 2), places(9, 2, 3)),
}  # fmt: skip


class Frozen(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone, self.head = nn.Linear(3, 3), nn.Linear(3, 2)

    def forward(self, x):
        with torch.no_grad():
            x = self.backbone(x)
        return self.head(x)


class Detached(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x):
        y = self.fc(x)
        return y * y.data


class Written(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x):
        y = self.fc(x)
        y[:, 0] = 0
        return y


class Twice(torch.autograd.Function):
    """A backward that is not the derivative."""

    @staticmethod
    def forward(ctx, x):
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient


class Surrogate(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x):
        return Twice.apply(self.fc(x))


class Sorted(nn.Module):
    def forward(self, x):
        return torch.sort(x)[0]


REFUSED = {
    "data decide": (EarlyExit, floats(3, 3), "bool() reads the values of a tensor"),
    "no gradient": (Frozen, floats(3, 3), "linear under no_grad"),
    "detached": (Detached, floats(3, 3), "mul: an attribute of a tensor, such as x.data"),
    "written into": (Written, floats(3, 3), "setitem changes a tensor in place"),
    "own backward": (Surrogate, floats(3, 3), "clamp under no_grad, or inside a function with a backward of its own"),
    "compiled": (
        lambda: torch.jit.script(nn.Sequential(nn.Linear(3, 2), nn.ReLU())), floats(4, 3),
        "the model gives a tensor that is computed in a way that is not seen here",
    ),
    "padding row": (lambda: nn.Embedding(5, 2, padding_idx=0), places(5, 3), "embedding: padding_idx"),
    "unknown": (Sorted, floats(3, 4), "the operation sort is not known"),
    "upsampling": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), floats(1, 2, 3, 3), "interpolate: mode = 'bilinear'"),
    "padded pooling": (lambda: nn.MaxPool2d(3, 2, 1), floats(1, 1, 5, 5), "max_pool2d: padding where entries may be negative"),
}
"""Models that are not read, and how the message begins."""
