"""The LiveKit room of a call: who is in it and who of them is the caller, their sound, their typed lines, their keys."""
