"""Hundreds of networks trained side by side. Worker processes import `stack` alone, so nothing is imported here."""
