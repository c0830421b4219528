"""Who owes what to whom in the conversation with Gemini. Knows no sockets. Pure."""
