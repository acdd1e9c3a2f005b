"""Column types: aware instants, exact amounts, JSON."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, TypeDecorator


class Instant(TypeDecorator[datetime]):
    """An aware instant, stored in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive instant; a time without a zone has no meaning here."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """Write an instant once that is given for many rows in a row: it costs more than the rest of a row."""
        process = super().bind_processor(dialect)
        if process is None:
            return None
        last: tuple[Any, Any] = (None, process(None))

        def remembering(value: Any) -> Any:
            nonlocal last
            known, written = last
            if value is not known:
                written = process(value)
                last = value, written
            return written

        return remembering

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back, which SQLite does not keep."""
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Amount(TypeDecorator[Decimal]):
    """A figure's value, exact to a thousandth, stored as whole thousandths so that sums stay exact.

    Reads back as `int` where it is whole, else as `Decimal`. Holds 9 × 10¹⁵.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        """Store thousandths; more decimals than three are an error, not a rounding."""
        if value is None:
            return None
        thousandths = Decimal(str(value)) * 1000
        if thousandths != thousandths.to_integral_value():
            raise ValueError(f"{value} has more than three decimals")
        return int(thousandths)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Return thousandths as a number again."""
        if value is None:
            return None
        whole, part = divmod(int(value), 1000)
        return whole if part == 0 else Decimal(int(value)) / 1000


# SQLite counts rows by itself only for INTEGER keys; PostgreSQL gets the wider type.
RowId = BigInteger().with_variant(Integer, "sqlite")
