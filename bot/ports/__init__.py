"""What each channel needs of the program, put together from storage and intake."""
