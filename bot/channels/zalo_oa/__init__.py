"""The channel on a Zalo Official Account: so far how its events are believed and read; nothing is sent yet."""
