"""The outputs of a week's summary: page, Markdown, JSON, frames; the files of its folder."""
