"""The exchange with Gemini: which side has to answer the other. It knows no sockets. Pure."""
