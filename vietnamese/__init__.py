"""The Vietnamese language: folding, numbers, dates, phones, names. Pure: no input or output, no clock."""
