"""The record, as the flows need it: one file for each thing that is written down."""
