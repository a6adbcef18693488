"""The paper's training, section 4.1: settings that its authors give."""

PAPER_LEARNING_RATE = 1e-5
