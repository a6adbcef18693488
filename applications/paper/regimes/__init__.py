"""Where relations pay: regimes of data and training, and what each head makes of them."""
