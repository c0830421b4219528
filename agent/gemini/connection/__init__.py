"""Whether there is a socket to Gemini, and what becomes of it. Knows no words of the conversation. Pure."""
