"""What one replicate measured, as it is written down for ever: the schema of records and cards."""

from keras_reprise.record.schema import Card, ClaimCard, Record

__all__ = ["Card", "ClaimCard", "Record"]
