"""A second analysis of a sealed record by a program that shares no line with the first."""
