"""Question 1's gradients as a student may write them; two things went wrong on the way."""


def backward(x1, x2, h1, h2, y1, y2, t1, t2, w5, w6, w7, w8):
    delta_1 = (y1 - t1) * y1 * (1 - y1)
    delta_2 = (y2 - t2) * y2 * (1 - y2)
    hidden_1 = delta_1 * w5 * h1 * (1 - h1)
    hidden_2 = (delta_1 * w7 + delta_2 * w8) * (1 - h2**2)
    return {
        "w5": delta_1 * h1,
        "w6": delta_2 * h1,
        "w7": delta_1 * h2,
        "w8": delta_2 * h2,
        "b2": delta_1 + delta_2,
        "w1": hidden_1 * x1,
        "w2": hidden_2 * x1,
        "w3": hidden_1 * x2,
        "w4": hidden_2 * x2,
        "b1": hidden_1 + hidden_2,
    }
