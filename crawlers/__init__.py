"""Gather what people say in public: sources, politeness, extraction. Knows no database."""
