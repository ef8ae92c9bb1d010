"""What a model is trained to do: one file a method, all made of the losses of tokens."""
