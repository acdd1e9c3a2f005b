"""The channel on Telegram: the only package that knows the platform, its library and its ways to fail."""
