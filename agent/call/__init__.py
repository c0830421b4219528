"""One call: its conversation with the model, how long it may take, how it ends, and what is told of it."""
